#!/bin/sh
# The service's user in MinIO, who may use the service's bucket and do nothing else. Runs at every start; the second
# time it changes nothing. In MinIO's image there are few programs beside mc: no grep, no sed.
set -eu
policy=stylequeue-bucket-only
mkdir -p "$MC_CONFIG_DIR"
mc alias set store "$ENDPOINT" "$MINIO_ROOT_USER" "$MINIO_ROOT_PASSWORD" > /dev/null

printf '%s' '{"Version": "2012-10-17", "Statement": [
  {"Effect": "Allow",
   "Action": ["s3:ListBucket", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads"],
   "Resource": ["arn:aws:s3:::'"$BUCKET"'"]},
  {"Effect": "Allow",
   "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject",
              "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
   "Resource": ["arn:aws:s3:::'"$BUCKET"'/*"]}
]}' > "$MC_CONFIG_DIR/policy.json"
mc admin policy create store "$policy" "$MC_CONFIG_DIR/policy.json"
mc admin user add store "$SERVICE_USER" "$SERVICE_PASSWORD"
case $(mc admin user info store "$SERVICE_USER" --json) in
  *"\"$policy\""*) ;; # attached; once more would be an error
  *) mc admin policy attach store "$policy" --user "$SERVICE_USER" ;;
esac
echo "The user $SERVICE_USER may use the bucket $BUCKET."
