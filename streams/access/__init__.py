"""Who may see what: tokens, the receivers that an organisation acts for, and the record of who looked."""
