#!/bin/sh
# Prints .env.example with a new password for each change-me:
#
#   sh deploy/new-env.sh > .env
set -eu
umask 077
while IFS= read -r line; do
  case $line in
    *=change-me) line="${line%change-me}$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')" ;;
  esac
  printf '%s\n' "$line"
done < "$(dirname "$0")/../.env.example"
