"""What analysts' SQL may use. Everything that is not named here is refused, also what later DuckDBs bring."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


QUERIES = frozenset({"SELECT_NODE", "SET_OPERATION_NODE"})
SOURCES = frozenset(
    {"BASE_TABLE", "SUBQUERY", "JOIN", "TABLE_FUNCTION", "EXPRESSION_LIST", "EMPTY", "PIVOT"},
)
MODIFIERS = frozenset(
    {"LIMIT_MODIFIER", "DISTINCT_MODIFIER", "ORDER_MODIFIER", "ORDER_DEFAULT", "ASCENDING", "DESCENDING"}
)
EXPRESSIONS = frozenset(
    {
        "BETWEEN", "CASE", "CAST", "COLLATE", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT", "FUNCTION",
        "LAMBDA", "OPERATOR", "STAR", "SUBQUERY", "TYPE", "WINDOW",
    }
)  # fmt: skip
OPERATORS = frozenset(
    {
        "ARRAY_EXTRACT", "ARRAY_SLICE", "COMPARE_IN", "COMPARE_NOT_IN", "GROUPING_FUNCTION", "OPERATOR_COALESCE",
        "OPERATOR_IS_NOT_NULL", "OPERATOR_IS_NULL", "OPERATOR_NOT", "OPERATOR_TRY", "STRUCT_EXTRACT",
    }
)  # fmt: skip
TABLE_FUNCTIONS = frozenset({"range", "generate_series", "unnest"})

# Without fixed-size arrays: INTEGER[100000000] is allocated for every row, whatever is in it.
TYPES = frozenset(
    {
        "any", "bigint", "blob", "bool", "boolean", "date", "datetime", "decimal", "double", "enum", "float", "float4",
        "float8", "hugeint", "int", "int1", "int2", "int4", "int8", "integer", "interval", "list", "long", "map",
        "numeric", "real", "row", "short", "smallint", "string", "struct", "text", "time", "timestamp",
        "timestamp with time zone", "timestamp_ms", "timestamp_ns", "timestamp_s", "timestamptz", "tinyint", "ubigint",
        "uinteger", "usmallint", "utinyint", "uuid", "varchar",
    }
)  # fmt: skip
COLLATIONS = frozenset({"nocase", "noaccent", "nfc", "binary", "nb", "no", "nb_no", "nn", "se", "en", "de"})

# Words that DuckDB reads as a function where no column has that name. current_date and the like may stay.
ENVIRONMENT = frozenset(
    {
        "current_catalog", "current_connection_id", "current_database", "current_query", "current_query_id",
        "current_role", "current_schema", "current_schemas", "current_transaction_id", "current_user", "session_user",
        "system_user", "user",
    }
)  # fmt: skip

# Their result is a number, a truth or a moment, however long what they read is.
MEASURES = _words(
    """
    != % & && * ** + - / // < <-> << <= <> <@ = > >= >> @ @> ^ ^@ | ~ !~~ !~~* ~~ ~~* ~~~
    abs acos age approx_count_distinct approx_quantile ascii asin atan atan2 avg bit_and bit_count bit_length bit_or
    bit_xor bool_and bool_or cardinality cbrt ceil ceiling century char_length character_length contains corr cos cot
    count count_if count_star countif covar_pop covar_samp cume_dist date_add date_diff date_part date_sub date_trunc
    datediff datepart datesub datetrunc day dayofmonth dayofweek dayofyear decade degrees dense_rank divide ends_with
    entropy epoch epoch_ms epoch_ns epoch_us era even exp factorial favg fdiv floor fmod fsum gcd geomean
    geometric_mean get_current_time get_current_timestamp greatest_common_divisor hash hour instr isfinite isinf isnan
    isodow isoyear julian kahan_sum kurtosis kurtosis_pop last_day lcm least_common_multiple len length
    length_grapheme ln log log10 log2 list_avg list_bool_and list_bool_or list_contains list_count list_has
    list_has_all list_has_any list_indexof list_median list_position list_product list_stddev_pop list_stddev_samp
    list_sum list_unique list_var_pop list_var_samp array_contains array_has array_has_all array_has_any
    array_indexof array_length array_position array_unique mad make_date make_time make_timestamp make_timestamp_ms
    make_timestamptz mean median microsecond millennium millisecond minute mod month multiply nanosecond
    normalized_interval not_ilike_escape not_like_escape like_escape ilike_escape now ntile octet_length ord
    percent_rank pi position pow power prefix product quarter radians random rank regexp_full_match regexp_matches
    regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy round round_even
    roundbankers row_number second sem sign signbit sin skewness sqrt starts_with stddev stddev_pop stddev_samp strlen
    strpos strptime subtract suffix sum sum_no_overflow sumkahan tan time_bucket timezone timezone_hour
    timezone_minute to_centuries to_days to_decades to_hours to_microseconds to_millennia to_milliseconds to_minutes
    to_months to_quarters to_seconds to_timestamp to_weeks to_years today transaction_timestamp trunc try_strptime
    unicode var_pop var_samp variance wavg week weekday weekofyear weighted_avg xor year yearweek
    struct_contains struct_has struct_indexof struct_position map_contains days_in_month current_date
    current_localtime current_localtimestamp
    """
)

# Their result is at most as long as all that they read together, or short.
KEEPERS = _words(
    """
    || any_value arbitrary arg_max arg_max_null arg_min arg_min_null argmax argmin array_cat array_concat
    array_distinct array_extract array_filter array_reverse array_reverse_sort array_slice array_sort array_value
    array_append array_prepend chr coalesce concat constant_or_null dayname element_at fill first first_value flatten
    greatest if ifnull lag last last_value lcase lead least left left_grapheme list_any_value list_append list_cat
    list_concat list_distinct list_element list_extract list_filter list_first list_intersect list_last list_max
    list_min list_mode list_prepend list_reverse list_reverse_sort list_select list_slice list_sort list_value
    list_where list_zip lower ltrim map map_entries map_extract map_extract_value map_from_entries map_keys map_values
    max max_by md5 min min_by mode monthname nfc_normalize nth_value nullif quantile quantile_cont quantile_disc
    regexp_extract reverse right right_grapheme row rtrim sha1 sha256 split_part strip_accents struct_concat
    struct_extract struct_extract_at struct_insert struct_keys struct_pack struct_values substr substring
    substring_grapheme trim typeof ucase unnest upper uuid_extract_timestamp uuid_extract_version
    """
)

# Their result can be as long as a whole table, as can that of min, max and their kin with a count behind.
COLLECTORS = frozenset({"array_agg", "group_concat", "histogram", "list", "listagg", "string_agg"})
COUNTED = {"max": 1, "min": 1, "arg_max": 2, "arg_min": 2, "argmax": 2, "argmin": 2, "max_by": 2, "min_by": 2}

# Each element is worked on by itself.
LAMBDAS = frozenset({"array_apply", "array_transform", "list_apply", "list_transform"})

# How much longer than all that they read these may be: separators, escapes, entries of a list.
STRETCHERS = {
    "regexp_extract_all": 4, "regexp_split_to_array": 4, "split": 4, "str_split": 4, "str_split_regex": 4,
    "string_split": 4, "string_split_regex": 4, "string_to_array": 4, "strftime": 10, "regexp_escape": 2,
    "translate": 4,
}  # fmt: skip

# One argument can come in at every place of the other.
MULTIPLIERS = frozenset({"array_to_string", "concat_ws", "regexp_replace", "replace"})

FUNCTIONS = MEASURES | KEEPERS | COLLECTORS | LAMBDAS | MULTIPLIERS | STRETCHERS.keys()

# What searches with a pattern: it is made ready once for a whole query, if it is the same for all rows.
PATTERNED = frozenset(name for name in FUNCTIONS if "regex" in name) - {"regexp_escape"}


def folded(name: str) -> str:
    """A name as DuckDB compares names: only ASCII has small letters, so that the Kelvin sign is no k."""
    return "".join(chr(ord(letter) + 32) if "A" <= letter <= "Z" else letter for letter in name)
