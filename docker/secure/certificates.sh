#!/bin/sh
# A certificate authority of this stack, and a certificate for each who talks to its Kafka. The name in it (CN) is the
# principal that acls.sh allows something to. Each has a folder (a volume) of its own, which nobody else mounts:
#   ca.pem, tls.crt, tls.key   for meldingsvakt and other clients that take PEM files
#   keystore.pem               key and certificate together, as Java takes them
# Run again it renews what ends within 30 days; the key of the authority stays in its own folder, "ca".
set -eu
umask 077
out=${1:-/secrets}
days=${CERTIFICATE_DAYS:-90}
renew_seconds=$((30 * 24 * 3600))
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

authority() {
    mkdir -p "$out/ca"
    [ -s "$out/ca/ca.key" ] && return
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 \
        -subj "/CN=meldingsvakt compose" -addext "keyUsage=critical,keyCertSign,cRLSign" \
        -keyout "$out/ca/ca.key" -out "$out/ca/ca.pem" 2>"$work/said" || { cat "$work/said" >&2; exit 1; }
}

# hand_over FROM TO OWNER MODE: a reader finds the old file or the new one, never half of one.
hand_over() {
    cat "$1" >"$2.new"
    chmod "$4" "$2.new"
    chown "$3:$3" "$2.new"
    mv -f "$2.new" "$2"
}

# certificate NAME OWNER EXTENSIONS: the owner is the number of the user that its container runs as.
certificate() {
    folder=$out/$1
    mkdir -p "$folder"
    if [ -s "$folder/tls.crt" ] && openssl x509 -in "$folder/tls.crt" -noout -checkend "$renew_seconds" >/dev/null; then
        return
    fi
    printf '%s\nbasicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n' "$3" >"$work/extensions"
    {
        openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$1" \
            -keyout "$work/tls.key" -out "$work/request"
        openssl x509 -req -in "$work/request" -CA "$out/ca/ca.pem" -CAkey "$out/ca/ca.key" \
            -set_serial "0x$(openssl rand -hex 16)" -days "$days" -sha256 -extfile "$work/extensions" -out "$work/tls.crt"
    } 2>"$work/said" || { cat "$work/said" >&2; exit 1; }
    cat "$work/tls.key" "$work/tls.crt" "$out/ca/ca.pem" >"$work/keystore.pem"
    hand_over "$out/ca/ca.pem" "$folder/ca.pem" "$2" 0444
    hand_over "$work/tls.key" "$folder/tls.key" "$2" 0400
    hand_over "$work/keystore.pem" "$folder/keystore.pem" "$2" 0400
    hand_over "$work/tls.crt" "$folder/tls.crt" "$2" 0444
    chmod 0755 "$folder"
    echo "a certificate for $1, valid for $days days"
}

kafka_image=1000
meldingsvakt_image=10001
client="extendedKeyUsage=clientAuth"
authority
certificate kafka "$kafka_image" "extendedKeyUsage=serverAuth,clientAuth
subjectAltName=DNS:kafka,DNS:localhost"
certificate admin "$kafka_image" "$client"
certificate portal "$kafka_image" "$client"
certificate casesystem "$kafka_image" "$client"
certificate consumer "$kafka_image" "$client"
certificate topics "$meldingsvakt_image" "$client"
certificate worker "$meldingsvakt_image" "$client"
certificate view "$meldingsvakt_image" "$client"
certificate decide "$meldingsvakt_image" "$client"
certificate intake "$meldingsvakt_image" "$client"
certificate simulator "$meldingsvakt_image" "$client"
