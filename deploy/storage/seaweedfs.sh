#!/bin/sh
# Starts SeaweedFS with its administrator and users for API and workers, who may do what they need in the service's
# bucket and nothing else. Further options of `weed server` may follow.
set -eu
umask 077
. "$(dirname "$0")/policies.sh"

text() { # stdin as a JSON string
  tr '\n' ' ' | sed 's/"/\\"/g'
}

users=${TMPDIR:-/tmp}/users.json
cat > "$users" << END
{"identities": [
   {"name": "root", "credentials": [{"accessKey": "$S3_ROOT_USER", "secretKey": "$S3_ROOT_PASSWORD"}], "actions": ["Admin"]},
   {"name": "api", "credentials": [{"accessKey": "$API_USER", "secretKey": "$API_PASSWORD"}], "policyNames": ["api"]},
   {"name": "worker", "credentials": [{"accessKey": "$WORKER_USER", "secretKey": "$WORKER_PASSWORD"}], "policyNames": ["worker"]}],
 "policies": [
   {"name": "api", "content": "$(api_policy | text)"},
   {"name": "worker", "content": "$(worker_policy | text)"}]}
END

# SeaweedFS' inner ports ask for no key, so they listen on the loopback interface alone. S3's gRPC port listens beside
# S3's own and could change users; it asks for a certificate that nobody has.
export WEED_GRPC_CA=/nowhere WEED_GRPC_S3_CERT=/nowhere WEED_GRPC_S3_KEY=/nowhere
exec weed -logtostderr=true server -dir=/data -ip=127.0.0.1 -ip.bind=127.0.0.1 \
  -master.telemetry=false -master.volumeSizeLimitMB=1024 -volume.max=0 -volume.preStopSeconds=0 -filer \
  -s3 -s3.port=9000 -s3.ip.bind=0.0.0.0 -s3.config="$users" -s3.autoCreateBucket=false \
  -s3.iam=false -s3.port.iceberg=0 -s3.port.lance=0 "$@"
