"""HTTP's own concerns: errors, headers, hosts, the OpenAPI description."""
