"""Pure rules of AWS's wire protocol: operations, codecs, event streams, errors, admission."""
