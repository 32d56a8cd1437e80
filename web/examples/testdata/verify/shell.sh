#!/bin/sh
# verify.sh ID TIMESTAMP SIGNATURE < BODY: exits with 0 when a delivery is Labhook's, and was sent in the last five minutes.
# The arguments are the values of its headers webhook-id, webhook-timestamp and webhook-signature.
set -eu
id=$1 timestamp=$2 signatures=$3
case $timestamp in '' | *[!0-9]* | ???????????*) exit 1 ;; esac
age=$(($(date +%s) - timestamp))
[ "$age" -le 300 ] && [ "$age" -ge -300 ] || exit 1

key=$(printf %s "${LABHOOK_SECRET#whsec_}" | openssl base64 -d -A | od -An -v -tx1 | tr -d ' \n')
[ "${#key}" -ge 48 ] || { echo "LABHOOK_SECRET is no whsec_ secret" >&2; exit 2; }
want=$({ printf %s.%s. "$id" "$timestamp"; cat; } | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | openssl base64 -A)

# Compared under a key that nobody knows, so that the time it takes tells nothing.
nonce=$(openssl rand -hex 32)
blind() { printf %s "$1" | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$nonce"; }
expected=$(blind "v1,$want")
for signature in $signatures; do # several while the secret is rotated
  [ "$(blind "$signature")" != "$expected" ] || exit 0
done
exit 1
