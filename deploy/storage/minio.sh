#!/bin/sh
# Makes MinIO's users for API and workers, who may do what they need in the service's bucket and nothing else. Runs at
# every start; the second time it changes nothing. MinIO's image has few programs beside mc: no grep, no sed.
set -eu
. "$(dirname "$0")/policies.sh"
mkdir -p "$MC_CONFIG_DIR"
mc alias set store "$ENDPOINT" "$S3_ROOT_USER" "$S3_ROOT_PASSWORD" > /dev/null

add_user() { # NAME PASSWORD POLICY; the policy's text comes from stdin
  cat > "$MC_CONFIG_DIR/$3.json"
  mc admin policy create store "$3" "$MC_CONFIG_DIR/$3.json"
  mc admin user add store "$1" "$2"
  case $(mc admin user info store "$1" --json) in
    *"\"$3\""*) ;; # already attached; attaching it again is an error
    *) mc admin policy attach store "$3" --user "$1" ;;
  esac
  echo "The user $1 may use the bucket $BUCKET by the policy $3."
}

api_policy | add_user "$API_USER" "$API_PASSWORD" stylequeue-api
worker_policy | add_user "$WORKER_USER" "$WORKER_PASSWORD" stylequeue-worker
