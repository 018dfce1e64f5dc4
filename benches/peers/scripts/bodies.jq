# A row as an object of texts in, the transfers of its updates in curl's own configuration out.
def typed:
  if . == "<null>" then null
  elif . == "true" then true
  elif . == "false" then false
  elif test("^-?[0-9]+$") then tonumber
  else . end;

.org_uuid as $org
| [ to_entries[]
    | select(.key != "org_uuid" and .value != "")
    | (.key | split(":") | if length == 1 then ["envoy"] + . else . end) as [$operation, $path]
    | { operation: $operation, path: ($path | split(".")),
        value: (.value | if $path | endswith("List") then split(";") else typed end) } ]
| group_by(.operation)[]
| $operations[0][.[0].operation] as $to
| { ($to.wrap): (reduce .[] as $field ({}; setpath($field.path; $field.value))) }
| "next
url = \"\($url)\($to.path)\"
header = \"x-auth-scheme: partner-api-token\"
header = \"x-auth-apikey: sandbox\"
header = \"x-auth-org: \($org)\"
header = \"content-type: application/json\"
data-raw = \(tojson | tojson)
output = \"/dev/null\""
