//! Makes an OpenAPI file, as the vendor's is laid out, of `operations/spec/extract.json`: every call is a POST, a
//! request's schema is called `…WSRequest` and a reply's `…WSResponse`, and everything else is a reference.
//!
//! The vendor's own file has several megabytes and is not here. What makes derivation hard in it is made up for: reads
//! that serve many operations, older types with a part of the fields, calls of like names, and reads of single things.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

/// What the extract says of an operation.
#[derive(Deserialize)]
pub(crate) struct Entry {
    pub(crate) read: Read,
    pub(crate) write: Write,
    pub(crate) body: String,
    pub(crate) owner: Option<String>,
    pub(crate) confesses: Vec<String>,
    pub(crate) unread: Vec<String>,
    pub(crate) beside: Vec<String>,
    pub(crate) classes: BTreeMap<String, String>,
    pub(crate) fields: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
pub(crate) struct Read {
    pub(crate) path: String,
    pub(crate) at: String,
}

#[derive(Deserialize)]
pub(crate) struct Write {
    pub(crate) path: String,
    pub(crate) wrap: String,
}

/// The extract.
pub(crate) fn extract() -> BTreeMap<String, Entry> {
    serde_json::from_str(include_str!("../../operations/spec/extract.json")).unwrap()
}

#[derive(Default)]
struct Maker {
    paths: Map<String, Value>,
    schemas: Map<String, Value>,
}

/// The OpenAPI file of these operations.
pub(crate) fn openapi(extract: &BTreeMap<String, Entry>) -> Value {
    let mut maker = Maker::default();
    for (name, entry) in extract {
        maker.operation(name, entry);
    }
    maker.others(extract);
    json!({
        "openapi": "3.0.1",
        "info": { "title": "made of the extract", "version": "1" },
        "paths": maker.paths,
        "components": { "schemas": maker.schemas },
    })
}

impl Maker {
    fn operation(&mut self, name: &str, entry: &Entry) {
        let of_type = format!("I{}Type", name.replace('-', ""));
        let mut request = Map::new();
        for member in &entry.beside {
            request.insert(member.clone(), json!({ "type": "array", "items": { "type": "string" } }));
        }
        let properties = self.properties(&of_type, &entry.fields);
        let shown: Map<String, Value> =
            properties.iter().filter(|(name, _)| !entry.unread.contains(name)).map(pair).collect();
        if entry.write.wrap.is_empty() {
            request.extend(properties);
        } else {
            self.schemas.insert(of_type.clone(), json!({ "type": "object", "properties": properties }));
            request.insert(entry.write.wrap.clone(), reference(&of_type));
        }
        let reply: Map<String, Value> =
            entry.confesses.iter().map(|member| (member.clone(), json!({ "type": "string" }))).collect();
        self.call(&entry.write.path, &request, reply);

        let steps: Vec<&str> = entry.read.at.split('.').filter(|step| !step.is_empty()).collect();
        let root = self.reply_of(&entry.read.path);
        let (above, last) = match steps.split_last() {
            Some((last, above)) if !entry.write.wrap.is_empty() => (above, Some(*last)),
            _ => (&steps[..], None),
        };
        let holder = self.object(root, above);
        match last {
            Some(last) => drop(self.properties_of(&holder).insert(last.to_owned(), reference(&of_type))),
            None => self.properties_of(&holder).extend(shown),
        }
        let proof = match entry.owner.as_deref() {
            Some("in the object") if last.is_some() => (of_type.as_str(), "orgUuid"),
            Some("in the object" | "beside the object") => (holder.as_str(), "orgUuid"),
            Some("org.uuid") => (holder.as_str(), "uuid"),
            _ => return,
        };
        let (of, member) = (proof.0.to_owned(), proof.1);
        self.properties_of(&of).insert(member.to_owned(), json!({ "type": "string", "format": "RUUID" }));
    }

    /// What else is in such a file.
    fn others(&mut self, extract: &BTreeMap<String, Entry>) {
        let text = || json!({ "type": "string" });
        for (name, entry) in extract {
            let of_type = format!("I{}Type", name.replace('-', ""));
            // An older type, with half of the fields, beside those of other integrations.
            if entry.read.at == "orgIntegrationV2" {
                let older = format!("{}Settings", name.replace('-', ""));
                let properties = self.properties(&older, &entry.fields);
                let half: Map<String, Value> = properties.iter().step_by(2).map(pair).collect();
                self.schemas.insert(older.clone(), json!({ "type": "object", "properties": half }));
                let root = self.reply_of("/api/integrations/org/getOrgIntegrations");
                let holder = self.object(root, &["orgIntegrations"]);
                self.properties_of(&holder).insert(entry.write.wrap.clone(), reference(&older));
            }
            // Calls of like names that are about something else, and a list that has the very type.
            let (folder, update) = entry.write.path.rsplit_once('/').unwrap();
            let stem = update.trim_start_matches("update").trim_end_matches("V2");
            let mut one = Map::new();
            one.insert("userUuid".to_owned(), text());
            let mut reply = Map::new();
            reply.insert("enabled".to_owned(), json!({ "type": "boolean" }));
            reply.insert("name".to_owned(), text());
            self.call(&format!("{folder}/get{stem}User"), &one, reply.clone());
            self.call(&format!("{folder}/create{stem}"), &one, reply);
            if self.schemas.contains_key(&of_type) {
                let mut reply = Map::new();
                let all = json!({ "type": "array", "items": reference(&of_type) });
                reply.insert("all".to_owned(), all);
                self.call(&format!("{folder}/find{stem}History"), &Map::new(), reply);
            }
        }
    }

    fn call(&mut self, path: &str, request: &Map<String, Value>, reply: Map<String, Value>) {
        let name = path.rsplit('/').next().unwrap();
        let (asked, answered) = (format!("{name}WSRequest"), format!("{name}WSResponse"));
        self.schemas.insert(asked.clone(), json!({ "type": "object", "properties": request }));
        let mut properties = reply;
        properties.insert("error".to_owned(), json!({ "type": "boolean" }));
        properties.insert("errorMsg".to_owned(), json!({ "type": "string" }));
        self.schemas.insert(answered.clone(), json!({ "type": "object", "properties": properties }));
        let content = |of: &str| json!({ "application/json": { "schema": reference(of) } });
        self.paths.insert(
            path.to_owned(),
            json!({ "post": {
                "operationId": name,
                "requestBody": { "content": content(&asked) },
                "responses": { "default": { "content": content(&answered), "description": "default response" } },
            } }),
        );
    }

    /// The name of the schema of a read's reply, made where there is none yet.
    fn reply_of(&mut self, path: &str) -> String {
        if !self.paths.contains_key(path) {
            self.call(path, &Map::new(), Map::new());
        }
        format!("{}WSResponse", path.rsplit('/').next().unwrap())
    }

    /// The name of the schema that these members lead to, made where there is none yet.
    fn object(&mut self, root: String, steps: &[&str]) -> String {
        steps.iter().fold(root, |holder, step| {
            let inside = format!("{holder}_{step}");
            self.properties_of(&holder).entry(*step).or_insert_with(|| reference(&inside));
            let empty = json!({ "type": "object", "properties": {} });
            self.schemas.entry(inside.clone()).or_insert(empty);
            inside
        })
    }

    fn properties_of(&mut self, schema: &str) -> &mut Map<String, Value> {
        self.schemas[schema]["properties"].as_object_mut().unwrap()
    }

    fn properties(&mut self, above: &str, fields: &BTreeMap<String, Value>) -> Map<String, Value> {
        let property =
            |(name, words): (&String, &Value)| (name.clone(), self.schema(&format!("{above}_{name}"), words));
        fields.iter().map(property).collect()
    }

    /// The schema of a type in the extract's words; what an object has is a component of its own.
    fn schema(&mut self, name: &str, words: &Value) -> Value {
        if let Some(word) = words.as_str() {
            return match word {
                "bool" => json!({ "type": "boolean" }),
                "int32" | "int64" => json!({ "type": "integer", "format": word }),
                "integer" => json!({ "type": "integer" }),
                "number" => json!({ "type": "number", "format": "float" }),
                "ruuid" => json!({ "type": "string", "format": "RUUID", "nullable": true }),
                "hierarchy_key" => json!({ "type": "string", "format": "SubLocationsHierarchyKey" }),
                "text" => json!({ "type": "string", "nullable": true }),
                other => panic!("{other}"),
            };
        }
        let (kind, of) = words.as_object().unwrap().iter().next().unwrap();
        match kind.as_str() {
            "list" => json!({ "type": "array", "items": self.schema(name, of) }),
            "map" => json!({ "type": "object", "additionalProperties": self.schema(name, of) }),
            "enum" => json!({ "type": "string", "enum": of }),
            "object" => {
                let members = serde_json::from_value(of.clone()).unwrap();
                let properties = self.properties(name, &members);
                self.schemas.insert(name.to_owned(), json!({ "type": "object", "properties": properties }));
                reference(name)
            }
            other => panic!("{other}"),
        }
    }
}

fn pair((name, value): (&String, &Value)) -> (String, Value) {
    (name.clone(), value.clone())
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}
