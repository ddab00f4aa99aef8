#!/bin/sh
# Makes an authority of your own and a certificate for Redis, for docker-compose.tls.yml:
#
#   sh deploy/tls/new-certificates.sh [FOLDER]
#
# The authority's key is not kept. Run this again before the certificate expires, and restart Redis and the service.
set -eu
folder=${1:-$(dirname "$0")/made}
days=825
mkdir -p "$folder"
cd "$folder"
key=$(mktemp)
trap 'rm -f "$key" redis.csr redis.ext' EXIT

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days "$days" \
  -subj "/CN=stylequeue" -keyout "$key" -out authority.crt 2> /dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
  -subj "/CN=redis" -keyout redis.key -out redis.csr 2> /dev/null
echo "subjectAltName=DNS:redis,DNS:localhost,IP:127.0.0.1" > redis.ext
openssl x509 -req -in redis.csr -CA authority.crt -CAkey "$key" -set_serial "0x$(openssl rand -hex 16)" \
  -days "$days" -extfile redis.ext -out redis.crt 2> /dev/null

# Redis' user in the container must read the key: make it the owner if allowed, else let everybody here read it.
chmod 600 redis.key
chown 999 redis.key 2> /dev/null || chmod 644 redis.key
echo "made in $folder: authority.crt, redis.crt, redis.key; they expire in $days days"
