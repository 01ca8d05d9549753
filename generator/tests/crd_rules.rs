//! CRDs carry rules in CEL, which say what no schema can: the API server refuses an object that breaks one. Every custom
//! resource is held against the rules of its CRD as it is when it is made for the first time: with the defaults of the
//! schema in place, and without the rules that compare with what was there before.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use cel::common::types::CelOptional;
use cel::objects::{Key, Map};
use cel::{Context, Env, ExecutionError, Program, Value};
use ipnet::IpNet;
use rayon::prelude::*;
use serde_json::{Map as JsonMap, Value as Json, json};

use crate::trees::{Definitions, all_rendered, objects, upstream};

/// Rules that are not evaluated here: the kind, where the rule is, and why.
const NOT_EVALUATED: [(&str, &str, &str); 6] = [
    ("extensions.istio.io/v1alpha1 TrafficExtension", "/spec/wasm/url", "the library has no getScheme, isURL, url"),
    ("extensions.istio.io/v1alpha1 WasmPlugin", "/spec/url", "the library has no getScheme, isURL, url"),
    ("security.istio.io/v1 RequestAuthentication", "/spec/jwtRules/[]/jwksUri", "the library has no getScheme, url"),
    ("security.istio.io/v1 RequestAuthentication", "/spec/jwtRules/[]/jwks_uri", "the library has no getScheme, url"),
    (
        "security.istio.io/v1beta1 RequestAuthentication",
        "/spec/jwtRules/[]/jwksUri",
        "the library has no getScheme, url",
    ),
    (
        "security.istio.io/v1beta1 RequestAuthentication",
        "/spec/jwtRules/[]/jwks_uri",
        "the library has no getScheme, url",
    ),
];

/// What can be done with a rule.
enum Rule {
    Evaluated(Program),
    /// It compares with what was there before, and says nothing of what is new.
    Transition,
    /// The library cannot do it, and why.
    Not(String),
}

/// The language, with what Kubernetes adds to it as far as the CRDs use it.
struct Language {
    env: Arc<Env>,
    known: BTreeMap<String, bool>,
}

impl Language {
    fn new() -> Language {
        let mut env = Env::stdlib();
        env.add_extension(cel::extensions::strings).unwrap();
        Language { env: Arc::new(env), known: BTreeMap::new() }
    }

    fn context(&self) -> Context<'_, '_> {
        let mut context = Context::with_env(Arc::clone(&self.env));
        // An address as Kubernetes takes it: an IPv4 address in the form of an IPv6 one is none.
        let plain = |address: IpAddr| !matches!(address, IpAddr::V6(six) if six.to_ipv4_mapped().is_some());
        context.add_function("isIP", move |text: Arc<String>| text.parse().is_ok_and(plain)).unwrap();
        let net = move |net: IpNet| plain(net.addr());
        context.add_function("isCIDR", move |text: Arc<String>| text.parse().is_ok_and(net)).unwrap();
        context
    }

    /// Whether there is a function or a method of this name, whatever it takes.
    fn knows(&mut self, function: &str) -> bool {
        if let Some(known) = self.known.get(function) {
            return *known;
        }
        let undeclared = |call: String| {
            let program = self.env.compile(&call).unwrap();
            matches!(program.execute(&self.context()), Err(ExecutionError::UndeclaredReference(_)))
        };
        // Operators have names that nobody can write.
        let written = function.chars().all(|c| c.is_ascii_alphanumeric());
        let known = !written || !undeclared(format!("{function}('')")) || !undeclared(format!("''.{function}()"));
        self.known.insert(function.to_owned(), known);
        known
    }

    fn rule(&mut self, rule: &Json) -> Rule {
        let program = match self.env.compile(rule["rule"].as_str().unwrap()) {
            Ok(program) => program,
            Err(error) => return Rule::Not(format!("the library cannot read it: {error}")),
        };
        let (missing, compares) = {
            let used = program.references();
            let missing: BTreeSet<&str> = used.functions().into_iter().filter(|name| !self.knows(name)).collect();
            (missing.into_iter().collect::<Vec<_>>().join(", "), used.has_variable("oldSelf"))
        };
        match missing.as_str() {
            "" if compares && rule["optionalOldSelf"] != true => Rule::Transition,
            "" => Rule::Evaluated(program),
            missing => Rule::Not(format!("the library has no {missing}")),
        }
    }
}

/// The rules of CRDs, each made ready once.
struct Rules {
    language: Language,
    rules: HashMap<String, Rule>,
    /// Every version of every kind that has rules. Its schema is one of a whole object, as those inside of others are.
    kinds: BTreeMap<String, Json>,
}

/// What the rules came to for one object.
#[derive(Default)]
struct Outcome {
    broken: Vec<String>,
    evaluated: Vec<String>,
    transitions: usize,
    not_evaluated: usize,
}

impl Rules {
    fn of(crds: Vec<Json>) -> Rules {
        let mut found = Rules { language: Language::new(), rules: HashMap::new(), kinds: BTreeMap::new() };
        for crd in crds {
            let text = |pointer: &str| crd.pointer(pointer).and_then(Json::as_str).unwrap();
            for version in crd["spec"]["versions"].as_array().unwrap() {
                let name = format!(
                    "{}/{} {}",
                    text("/spec/group"),
                    version["name"].as_str().unwrap(),
                    text("/spec/names/kind")
                );
                let mut version = version.clone();
                version["schema"]["openAPIV3Schema"]["x-kubernetes-embedded-resource"] = json!(true);
                // Of several versions of a chart the newest is the last.
                found.kinds.insert(name, version);
            }
        }
        found.kinds.retain(|_, version| {
            let mut any = false;
            rules_below("", &version["schema"]["openAPIV3Schema"], &mut |_, rule| {
                any = true;
                let text = rule["rule"].as_str().unwrap();
                if !found.rules.contains_key(text) {
                    found.rules.insert(text.to_owned(), found.language.rule(rule));
                }
            });
            any
        });
        found
    }

    /// All rules, with their kinds and where they are.
    fn all(&self) -> Vec<(&str, String, &Rule)> {
        let mut all = Vec::new();
        for (kind, version) in &self.kinds {
            rules_below("", &version["schema"]["openAPIV3Schema"], &mut |path, rule| {
                all.push((kind.as_str(), path.to_owned(), &self.rules[rule["rule"].as_str().unwrap()]));
            });
        }
        all
    }

    /// Holds an object against the rules of its kind; nothing where its kind has none.
    fn check(&self, object: &Json) -> Option<Outcome> {
        let text = |key: &str| object[key].as_str().unwrap();
        let version = self.kinds.get(&format!("{} {}", text("apiVersion"), text("kind")))?;
        let schema = &version["schema"]["openAPIV3Schema"];
        let mut object = object.clone();
        fill_in(schema, &mut object);
        // Who makes an object cannot set its status, if that is set by itself.
        if version["subresources"]["status"].is_object() {
            object.as_object_mut().unwrap().remove("status");
        }
        let mut outcome = Outcome::default();
        self.walk("", schema, &object, &mut outcome);
        Some(outcome)
    }

    fn walk(&self, path: &str, schema: &Json, value: &Json, outcome: &mut Outcome) {
        if value.is_null() {
            return;
        }
        let rules = schema["x-kubernetes-validations"].as_array().map_or(&[][..], Vec::as_slice);
        if !rules.is_empty() {
            let value = seen_by_rules(schema, value);
            for rule in rules {
                self.hold(path, rule, &value, outcome);
            }
        }
        match value {
            Json::Object(map) => {
                for (key, value) in map {
                    if let Some(schema) = below(schema, key) {
                        self.walk(&format!("{path}/{key}"), schema, value, outcome);
                    }
                }
            }
            Json::Array(list) => {
                for (index, value) in list.iter().enumerate() {
                    self.walk(&format!("{path}/{index}"), &schema["items"], value, outcome);
                }
            }
            _ => {}
        }
    }

    fn hold(&self, path: &str, rule: &Json, value: &Value, outcome: &mut Outcome) {
        let text = rule["rule"].as_str().unwrap();
        let program = match &self.rules[text] {
            Rule::Evaluated(program) => program,
            Rule::Transition => {
                outcome.transitions += 1;
                return;
            }
            Rule::Not(_) => {
                outcome.not_evaluated += 1;
                return;
            }
        };
        outcome.evaluated.push(text.to_owned());
        let mut context = self.language.context();
        context.add_variable_from_value("self", value.clone());
        // Only rules that expect it read this.
        context.add_variable_as_val("oldSelf", Box::new(CelOptional::none()));
        let message = rule["message"].as_str().map_or_else(|| format!("failed rule: {text}"), str::to_owned);
        match program.execute(&context) {
            Ok(Value::Bool(true)) => {}
            Ok(Value::Bool(false)) => outcome.broken.push(format!("{path}: {message}")),
            Ok(other) => panic!("{path}: {text} is {other:?}"),
            // The API server refuses what a rule has an error with.
            Err(error) => outcome.broken.push(format!("{path}: {message} ({error})")),
        }
    }
}

/// The schema of the values below a key.
fn below<'s>(schema: &'s Json, key: &str) -> Option<&'s Json> {
    schema["properties"].get(key).or_else(|| schema.get("additionalProperties")).filter(|schema| schema.is_object())
}

/// Looks at every rule of a schema, with the path of its node.
fn rules_below<'s>(path: &str, schema: &'s Json, look: &mut dyn FnMut(&str, &'s Json)) {
    for rule in schema["x-kubernetes-validations"].as_array().into_iter().flatten() {
        look(path, rule);
    }
    for (key, schema) in schema["properties"].as_object().into_iter().flatten() {
        rules_below(&format!("{path}/{key}"), schema, look);
    }
    for (key, name) in [("items", "[]"), ("additionalProperties", "{}")] {
        if let Some(schema) = schema.get(key) {
            rules_below(&format!("{path}/{name}"), schema, look);
        }
    }
}

/// Sets what the schema has a default for, and takes away the nulls that it does not allow.
fn fill_in(schema: &Json, value: &mut Json) {
    match value {
        Json::Object(map) => {
            for (key, schema) in schema["properties"].as_object().into_iter().flatten() {
                if map.get(key) == Some(&Json::Null) && schema["nullable"] != true {
                    map.remove(key);
                }
                if let Some(default) = schema.get("default")
                    && !map.contains_key(key)
                {
                    map.insert(key.clone(), default.clone());
                }
            }
            for (key, value) in map {
                if let Some(schema) = below(schema, key) {
                    fill_in(schema, value);
                }
            }
        }
        Json::Array(list) => list.iter_mut().for_each(|value| fill_in(&schema["items"], value)),
        _ => {}
    }
}

/// A value as rules see it: without what the schema does not name, and of an object's metadata only its name.
/// Times and bytes stay texts: no rule looks into them.
fn seen_by_rules(schema: &Json, value: &Json) -> Value {
    match value {
        Json::Null => Value::Null,
        Json::Bool(value) => (*value).into(),
        Json::String(text) => text.as_str().into(),
        Json::Number(number) => match number.as_i64() {
            Some(number) if schema["type"] != "number" => number.into(),
            _ => number.as_f64().unwrap().into(),
        },
        Json::Array(list) => {
            let items = list.iter().map(|value| seen_by_rules(&schema["items"], value));
            items.collect::<Vec<_>>().into()
        }
        Json::Object(map) => {
            let mut seen = HashMap::new();
            for (key, value) in map {
                let named = schema["properties"].get(key).is_some();
                if let Some(schema) = below(schema, key) {
                    let key = if named { escaped(key) } else { key.clone() };
                    seen.insert(Key::from(key), seen_by_rules(schema, value));
                }
            }
            if schema["x-kubernetes-embedded-resource"] == true {
                let texts = |map: &JsonMap<String, Json>, keys: [&str; 2]| -> Vec<(Key, Value)> {
                    let text = |key: &str| Some((Key::from(key), map.get(key)?.as_str()?.into()));
                    keys.into_iter().filter_map(text).collect()
                };
                seen.extend(texts(map, ["apiVersion", "kind"]));
                if let Some(metadata) = map.get("metadata").and_then(Json::as_object) {
                    let metadata = texts(metadata, ["name", "generateName"]).into_iter().collect();
                    seen.insert("metadata".into(), Value::Map(Map { map: Arc::new(metadata) }));
                }
            }
            Value::Map(Map { map: Arc::new(seen) })
        }
    }
}

/// The name of a property in rules, which cannot have every character and no word of the language.
fn escaped(name: &str) -> String {
    const WORDS: [&str; 21] = [
        "true",
        "false",
        "null",
        "in",
        "as",
        "break",
        "const",
        "continue",
        "else",
        "for",
        "function",
        "if",
        "import",
        "let",
        "loop",
        "package",
        "namespace",
        "return",
        "var",
        "void",
        "while",
    ];
    if WORDS.contains(&name) {
        return format!("__{name}__");
    }
    let name = name.replace("__", "__underscores__");
    name.replace('.', "__dot__").replace('-', "__dash__").replace('/', "__slash__")
}

/// The rules of all CRDs that were published.
fn published() -> Option<&'static Rules> {
    static RULES: OnceLock<Rules> = OnceLock::new();
    let folder = upstream()?;
    Some(RULES.get_or_init(|| Rules::of(Definitions::below(&folder).those(|_| true))))
}

#[test]
fn every_custom_resource_keeps_the_rules_of_its_definition() {
    let Some(rules) = published() else { return };
    let trees = all_rendered();
    let all: Vec<(String, Json)> = trees
        .par_iter()
        .flat_map_iter(|(environment, files)| {
            objects(files).into_iter().map(move |(path, object)| (format!("{environment}/{path}"), object))
        })
        .collect();
    let mut wrong = Vec::new();
    let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let (mut evaluated, mut transitions, mut not_evaluated) = (0, 0, 0);
    let mut different = BTreeSet::new();
    let outcomes: Vec<_> = all.par_iter().map(|(_, object)| rules.check(object)).collect();
    for ((path, object), outcome) in all.iter().zip(outcomes) {
        let Some(outcome) = outcome else { continue };
        let text = |key: &str| object[key].as_str().unwrap();
        let count = counts.entry(format!("{} {}", text("apiVersion"), text("kind"))).or_default();
        count.0 += 1;
        count.1 += outcome.evaluated.len();
        evaluated += outcome.evaluated.len();
        different.extend(outcome.evaluated);
        transitions += outcome.transitions;
        not_evaluated += outcome.not_evaluated;
        wrong.extend(outcome.broken.iter().map(|broken| format!("{path}: {broken}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("objects, and rules evaluated: {counts:#?}");
    println!(
        "{} rules evaluated {evaluated} times, {transitions} transition rules left out, {not_evaluated} not evaluated",
        different.len()
    );
    // A kind that is rendered and has such a rule needs the library to learn it.
    assert_eq!(not_evaluated, 0);
    assert!(evaluated > 500 && different.len() > 50 && counts.len() >= 8, "{counts:?}");
}

#[test]
fn every_published_rule_is_evaluated_or_listed() {
    let Some(rules) = published() else { return };
    let all = rules.all();
    let transitions = all.iter().filter(|(.., rule)| matches!(rule, Rule::Transition)).count();
    let not: BTreeSet<(&str, &str, &str)> = all
        .iter()
        .filter_map(|(kind, path, rule)| match rule {
            Rule::Not(why) => Some((*kind, path.as_str(), why.as_str())),
            _ => None,
        })
        .collect();
    println!(
        "{} rules of {} kinds, {} of them different: {transitions} transition rules, {} not evaluated: {not:#?}",
        all.len(),
        rules.kinds.len(),
        rules.rules.len(),
        not.len()
    );
    assert_eq!(not, BTreeSet::from(NOT_EVALUATED));
    assert!(all.len() > 500 && transitions > 20);
}

/// An object of a kind, and its specification.
fn object(kind: &str, name: &str, spec: &Json) -> Json {
    let (api_version, kind) = kind.split_once(' ').unwrap();
    json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, "spec": spec})
}

#[test]
fn a_broken_rule_is_seen() {
    let Some(rules) = published() else { return };
    let gateway = json!({"gatewayClassName": "c", "listeners": [
        {"name": "http", "port": 80, "protocol": "HTTP"},
        {"name": "https", "port": 443, "protocol": "HTTPS", "tls": {"certificateRefs": [{"name": "t"}]}},
    ]});
    // Types, groups and kinds are defaults here, and the rules read them.
    let route = json!({
        "parentRefs": [{"name": "g", "namespace": "a"}, {"name": "g", "namespace": "b"}],
        "rules": [{"matches": [{"path": {"value": "/"}}], "backendRefs": [{"name": "s", "port": 80}]}],
    });
    let service = json!({"hosts": ["h"], "http": [{"corsPolicy": {"maxAge": "24h"}}]});
    let peers = json!({"selector": {"matchLabels": {"a": "b"}}, "portLevelMtls": {"80": {"mode": "STRICT"}}});
    let filter = json!({"workloadSelector": {"labels": {"app": "a"}}, "configPatches": []});
    let policy = json!({"types": ["Egress"], "egress": [{"action": "Allow", "protocol": 6, "http": {}}]});
    let store = json!({"provider": {"openBao": {"auth": {"tokenSecretRef": {"name": "t"}}, "server": "s"}}});
    let networks = json!({"egress": [{"to": [{"networks": ["10.0.0.0/8"]}]}]});
    for (kind, name, spec, place, value, wanted) in [
        (
            "gateway.networking.k8s.io/v1 Gateway",
            "g",
            &gateway,
            "/listeners/1/name",
            json!("http"),
            "/spec/listeners: Listener name must be unique within the Gateway",
        ),
        (
            "gateway.networking.k8s.io/v1 Gateway",
            "g",
            &gateway,
            "/listeners/1/protocol",
            json!("TCP"),
            "/spec/listeners: tls must not be specified for protocols ['HTTP', 'TCP', 'UDP']",
        ),
        (
            "gateway.networking.k8s.io/v1 HTTPRoute",
            "r",
            &route,
            "/rules/0/matches/0/path/value",
            json!("/a//b"),
            "/spec/rules/0/matches/0/path: must not contain '//' when type one of ['Exact', 'PathPrefix']",
        ),
        (
            "gateway.networking.k8s.io/v1 HTTPRoute",
            "r",
            &route,
            "/rules/0/backendRefs/0",
            json!({"name": "s"}),
            "/spec/rules/0/backendRefs/0: Must have port for Service reference",
        ),
        (
            "gateway.networking.k8s.io/v1 HTTPRoute",
            "r",
            &route,
            "/parentRefs/1/namespace",
            json!("a"),
            "/spec/parentRefs: sectionName must be unique when parentRefs includes 2 or more references to the same parent",
        ),
        (
            "networking.istio.io/v1 VirtualService",
            "v",
            &service,
            "/http/0/corsPolicy/maxAge",
            json!("10us"),
            "/spec/http/0/corsPolicy/maxAge: must be a valid duration greater than 1ms",
        ),
        (
            "security.istio.io/v1 PeerAuthentication",
            "p",
            &peers,
            "/selector",
            json!({}),
            "/spec: portLevelMtls requires selector",
        ),
        (
            "security.istio.io/v1 PeerAuthentication",
            "p",
            &peers,
            "/portLevelMtls",
            json!({"65536": {"mode": "STRICT"}}),
            "/spec/portLevelMtls: port must be between 1-65535",
        ),
        (
            "networking.istio.io/v1alpha3 EnvoyFilter",
            "f",
            &filter,
            "/workloadSelector/labels/app",
            json!("*"),
            "/spec/workloadSelector/labels/app: wildcard is not supported in selector",
        ),
        (
            "crd.projectcalico.org/v1 Tier",
            "default",
            &json!({"defaultAction": "Deny"}),
            "/defaultAction",
            json!("Pass"),
            ": The 'default' tier must have default action 'Deny'",
        ),
        (
            "crd.projectcalico.org/v1 GlobalNetworkPolicy",
            "p",
            &policy,
            "/egress/0/protocol",
            json!("UDP"),
            "/spec/egress/0: rules with HTTP match must have protocol TCP or unset",
        ),
        (
            "external-secrets.io/v1 ClusterSecretStore",
            "s",
            &store,
            "/provider/openBao/auth/tokenSecretRef",
            Json::Null,
            "/spec/provider/openBao/auth: exactly one of the fields in [appRole tokenSecretRef userPass] must be set",
        ),
        (
            "cert-manager.io/v1 ClusterIssuer",
            "i",
            &json!({"venafi": {"zone": "z", "cloud": {"apiTokenSecretRef": {"name": "t"}}}}),
            "/venafi/tpp",
            json!({"url": "u", "credentialsRef": {"name": "c"}}),
            "/spec/venafi: exactly one of tpp, cloud, or ngts must be configured",
        ),
        (
            "gateway.networking.k8s.io/v1 TLSRoute",
            "t",
            &json!({"hostnames": ["a.example.com"]}),
            "/hostnames/0",
            json!("10.0.0.1"),
            "/spec/hostnames: Hostnames cannot contain an IP",
        ),
        (
            "policy.networking.k8s.io/v1alpha2 ClusterNetworkPolicy",
            "c",
            &networks,
            "/egress/0/to/0/networks/0",
            json!("::ffff:10.0.0.0/104"),
            "/spec/egress/0/to/0/networks/0: Invalid CIDR format provided",
        ),
    ] {
        let good = object(kind, name, spec);
        let outcome = rules.check(&good).unwrap_or_else(|| panic!("{kind} has no rules"));
        assert_eq!(outcome.broken, <[&str; 0]>::default(), "{kind}");
        assert!(!outcome.evaluated.is_empty(), "{kind}");
        let mut bad = good;
        let (parent, key) = place.rsplit_once('/').unwrap();
        match bad["spec"].pointer_mut(parent).unwrap() {
            Json::Array(list) => list[key.parse::<usize>().unwrap()] = value,
            parent => parent[key] = value,
        }
        assert_eq!(rules.check(&bad).unwrap().broken, [wanted], "{kind}: {place}");
    }
}

/// The rules of a kind that is nobody's, for what holds in any kind.
fn of_nobody(spec: &Json) -> Rules {
    Rules::of(vec![json!({"spec": {
        "group": "example.com",
        "names": {"kind": "Widget"},
        "versions": [{
            "name": "v1",
            "subresources": {"status": {}},
            "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                "metadata": {"type": "object"},
                "spec": spec,
                "status": {
                    "type": "object",
                    "default": {"ready": false},
                    "properties": {"ready": {"type": "boolean"}},
                    "x-kubernetes-validations": [{"rule": "self.ready"}],
                },
            }}},
        }],
    }})])
}

#[test]
fn rules_see_values_as_in_the_api_server() {
    let text = json!({"type": "string"});
    let with = |properties: Json, rule: &str| json!({"type": "object", "properties": properties, "x-kubernetes-validations": [{"rule": rule}]});
    let integer_or_string = json!({"x-kubernetes-int-or-string": true});
    let inner = json!({"type": "object", "default": {}, "properties": {"b": {"type": "integer", "default": 7}}});
    let whole =
        json!({"type": "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true});
    for (schema, spec, fine) in [
        // Defaults are there, those of defaults too, and a null that is not allowed is none.
        (with(json!({"a": inner}), "self.a.b == 7"), json!({}), true),
        (with(json!({"a": inner}), "self.a.b == 7"), json!({"a": {"b": 8}}), false),
        (with(json!({"a": inner}), "self.a.b == 7"), json!({"a": null}), true),
        (with(json!({"a": text}), "has(self.a)"), json!({"a": null}), false),
        (with(json!({"a": {"type": "string", "nullable": true}}), "self.a == null"), json!({"a": null}), true),
        // What the schema does not name is not there; what is not there is a mistake.
        (with(json!({"a": text}), "has(self.z)"), json!({"z": "1"}), false),
        (with(json!({"a": text}), "self.a == ''"), json!({}), false),
        (with(json!({"a": text}), "!has(self.a) || self.a == ''"), json!({}), true),
        // Names that the language cannot have.
        (with(json!({"a.b-c/d": text}), "self.a__dot__b__dash__c__slash__d == '1'"), json!({"a.b-c/d": "1"}), true),
        (with(json!({"a__b": text}), "self.a__underscores__b == '1'"), json!({"a__b": "1"}), true),
        (with(json!({"namespace": text}), "self.__namespace__ == '1'"), json!({"namespace": "1"}), true),
        // Keys of maps stay as they are.
        (
            json!({"type": "object", "additionalProperties": text, "x-kubernetes-validations": [{"rule": "self['a.b'] == '1'"}]}),
            json!({"a.b": "1"}),
            true,
        ),
        // Numbers have the type of the schema.
        (with(json!({"a": {"type": "number"}}), "type(self.a) == double"), json!({"a": 1}), true),
        (with(json!({"a": {"type": "integer"}}), "type(self.a) == int && self.a < 1.5"), json!({"a": 1}), true),
        (
            with(json!({"a": integer_or_string}), "type(self.a) == int ? self.a > 80 : self.a == 'http'"),
            json!({"a": 81}),
            true,
        ),
        (
            with(json!({"a": integer_or_string}), "type(self.a) == int ? self.a > 80 : self.a == 'http'"),
            json!({"a": "https"}),
            false,
        ),
        // What was there before, for a rule that can do without.
        (
            json!({"type": "object", "x-kubernetes-validations": [
                {"rule": "!oldSelf.hasValue() && size(self) == 0", "optionalOldSelf": true},
            ]}),
            json!({}),
            true,
        ),
        // A whole object inside of another one has its name.
        (
            with(
                json!({"a": whole}),
                "self.a.metadata.name == 'n' && !has(self.a.metadata.labels) && !has(self.a.spec)",
            ),
            json!({"a": {"kind": "K", "metadata": {"name": "n", "labels": {}}, "spec": {}}}),
            true,
        ),
    ] {
        let rules = of_nobody(&schema);
        let outcome = rules.check(&object("example.com/v1 Widget", "w", &spec)).unwrap();
        assert_eq!(outcome.broken.is_empty(), fine, "{schema}: {spec}: {:?}", outcome.broken);
        assert_eq!(outcome.evaluated.len(), 1, "{schema}");
    }
}

#[test]
fn rules_that_are_not_evaluated_are_counted() {
    let schema = |rule: Json| json!({"type": "object", "x-kubernetes-validations": [rule]});
    for (rule, transitions, why) in [
        (json!({"rule": "self == oldSelf"}), 1, None),
        (json!({"rule": "quantity('1').isInteger()"}), 0, Some("the library has no isInteger, quantity")),
        (json!({"rule": "self +"}), 0, Some("the library cannot read it: ")),
    ] {
        let rules = of_nobody(&schema(rule.clone()));
        let outcome = rules.check(&object("example.com/v1 Widget", "w", &json!({}))).unwrap();
        assert_eq!((outcome.evaluated.len(), outcome.transitions), (0, transitions), "{rule}");
        assert_eq!(outcome.not_evaluated, usize::from(why.is_some()), "{rule}");
        let said = rules.all().into_iter().find_map(|(_, path, rule)| match rule {
            Rule::Not(why) if path == "/spec" => Some(why.as_str()),
            _ => None,
        });
        assert!(said.unwrap_or_default().starts_with(why.unwrap_or_default()), "{rule}: {said:?}");
    }
    // A rule has its say only where there is a value, and with its message.
    let rules = of_nobody(&json!({"type": "object", "properties": {"a": {
        "type": "array",
        "items": {"type": "integer", "x-kubernetes-validations": [{"rule": "self > 1", "message": "more"}]},
    }}}));
    let broken = |spec: Json| rules.check(&object("example.com/v1 Widget", "w", &spec)).unwrap().broken;
    assert_eq!(broken(json!({})), <[&str; 0]>::default());
    assert_eq!(broken(json!({"a": [2, 1]})), ["/spec/a/1: more"]);
}
