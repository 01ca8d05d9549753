//! Random templates that mostly make sense, and values with everything that is awkward in YAML.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Chance that is the same on every run.
pub struct Random(u64);

impl Random {
    /// The chance of one case.
    pub fn new(seed: u64, case: u64) -> Random {
        let mut random =
            Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ case.wrapping_mul(0xd1b5_4a32_d192_ed03) ^ 0x1234_5678);
        for _ in 0..4 {
            random.next();
        }
        random
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, most: usize) -> usize {
        (self.next() % most.max(1) as u64) as usize
    }

    /// Whether something happens that happens so often in a hundred.
    fn percent(&mut self, often: usize) -> bool {
        self.below(100) < often
    }

    fn of<'t, T>(&mut self, choices: &'t [T]) -> &'t T {
        &choices[self.below(choices.len())]
    }
}

/// Templates and values.
#[derive(Debug, Clone)]
pub struct Case {
    main: Vec<String>,
    partial: Vec<String>,
    values: Vec<String>,
}

impl Case {
    /// A random case.
    pub fn new(random: &mut Random) -> Case {
        match random.below(10) {
            0 | 1 => return Case::written(random),
            2 | 3 => return Case::read(random),
            _ => {}
        }
        let values = values(random);
        let mut maker =
            Maker { random, variables: Vec::new(), loops: 0, blocks: 0, foreign: 0, dots: Vec::new(), depth: 0 };
        let partial = maker.partials();
        let count = [1, 1, 1, 2, 3][maker.random.below(5)];
        let main = (0..count).map(|_| maker.statement()).collect();
        Case { main, partial, values }
    }

    /// Texts of all kinds that are written as YAML and JSON.
    fn written(random: &mut Random) -> Case {
        let count = 1 + random.below(4);
        let entries = (0..count).map(|number| {
            let key = if random.percent(30) { json_text(&awkward(random, 12)) } else { format!("k{number}") };
            let value = match random.below(5) {
                0 => format!("[{}, {}]", json_text(&awkward(random, 30)), number_text(random)),
                1 => format!(
                    "{{{}: {}, b: {}}}",
                    json_text(&awkward(random, 8)),
                    json_text(&awkward(random, 140)),
                    number_text(random)
                ),
                2 => number_text(random),
                _ => json_text(&awkward(random, 160)),
            };
            format!("{key}: {value}\n")
        });
        let values: Vec<String> = entries.collect();
        let main = *random.of(&[
            "{{ toYaml .Values }}",
            "{{ toYaml .Values | nindent 4 }}",
            "{{ toYaml (dict \"a\" (list .Values (dict \"b\" .Values))) }}",
            "{{ toYamlPretty .Values }}",
            "{{ toYaml .Values | fromYaml | toJson }}",
            "{{ toJson .Values }}\n{{ toPrettyJson .Values }}",
            "{{ toToml .Values }}",
            "{{ range $k, $v := .Values }}{{ $k | quote }}: {{ $v | toString | squote }}\n{{ $v }}\n{{ end }}",
            "{{ range $k, $v := .Values }}{{ printf \"%q %v %#v\" $v $v $k }}\n{{ toYaml $v }}\n{{ toYamlPretty $v }}\n{{ end }}",
        ]);
        Case { main: vec![main.to_owned()], partial: Vec::new(), values }
    }

    /// Text that looks like YAML.
    fn read(random: &mut Random) -> Case {
        let count = 1 + random.below(7);
        let mut lines = Vec::new();
        let mut depth = 0;
        for _ in 0..count {
            let mut line = "  ".repeat(depth);
            let kind = random.below(10);
            match kind {
                0 | 1 => line.push_str("- "),
                _ => line.push_str(random.of::<&str>(&[
                    "a: ",
                    "b: ",
                    "c: ",
                    "\"d e\": ",
                    "1: ",
                    "true: ",
                    "x.y: ",
                    "? ",
                    "a : ",
                    "'q': ",
                    "~: ",
                    "0x10: ",
                    "1.50: ",
                    "<<: ",
                ])),
            }
            match random.below(12) {
                0 => {
                    depth += 1;
                    line.truncate(line.trim_end().len());
                }
                1 => line.push_str(&block(random).replace("\n", &format!("\n{}", "  ".repeat(depth)))),
                2 => line.push_str(&flow(random, 0)),
                3 => line.push_str(random.of::<&str>(&[
                    "&x 1",
                    "*x",
                    "&x",
                    "!!str 1",
                    "!!int \"3\"",
                    "!foo bar",
                    "!!float 1",
                    "!!binary aGk=",
                    "!!null x",
                    "!!bool yes",
                    "&x {a: 1}",
                    "!!set {a}",
                ])),
                4 => line.push_str(random.of::<&str>(&[
                    "word word # c",
                    "a#b",
                    "a:b",
                    "a,b",
                    "[a",
                    "{a: 1",
                    "\"open",
                    "'it''s' x",
                    "a: b",
                    "- x",
                    "@a",
                    "%a",
                    "`a",
                    "!",
                    "| x",
                    ">2",
                    "|2-\n    x",
                    "a\n  b\n\n  c",
                ])),
                5 => line.push_str(&json_text(&awkward(random, 40))),
                6 => line.push_str(random.of::<&str>(&[
                    "plain\n   more\n   text",
                    "\"a\n   b\n\n   c\\\n   d\"",
                    "'a\n   b\n\n   c'",
                    "[a,\n  b,\n  ]",
                    "{a,\n b: ,\n c: d}",
                    "[a: b, ? c, d]",
                    "{\"a\":1}",
                    "[]",
                    "{}",
                ])),
                _ => line.push_str(&scalar(random)),
            }
            if random.percent(8) {
                line.push_str(" # comment");
            }
            line.push('\n');
            if random.percent(4) {
                line.push_str(random.of::<&str>(&["\n", "# c\n", "---\n", "...\n", "  \n", "\t\n", "--- x\n"]));
            }
            lines.push(line);
            if depth > 0 && random.percent(40) {
                depth -= 1;
            }
        }
        let text = lines.concat();
        let main = match random.below(3) {
            0 => format!("{{{{ {} | fromYaml | toJson }}}}", json_text(&text)),
            1 => format!("{{{{ {} | fromYamlArray | toJson }}}}", json_text(&text)),
            _ => return Case { main: vec!["{{ toJson .Values }}".to_owned()], partial: Vec::new(), values: lines },
        };
        Case { main: vec![main], partial: Vec::new(), values: Vec::new() }
    }

    /// The templates by name.
    pub fn templates(&self) -> BTreeMap<String, String> {
        let mut templates = BTreeMap::from([("templates/a.yaml".to_owned(), self.main.concat())]);
        if !self.partial.is_empty() {
            templates.insert("templates/_p.tpl".to_owned(), self.partial.concat());
        }
        templates
    }

    /// The values as YAML.
    pub fn values(&self) -> String {
        self.values.concat()
    }

    /// Cases of which something is left out.
    pub fn smaller(&self) -> Vec<Case> {
        let mut cases = Vec::new();
        let parts: [fn(&mut Case) -> &mut Vec<String>; 3] =
            [|case| &mut case.main, |case| &mut case.partial, |case| &mut case.values];
        for part in parts {
            let length = part(&mut self.clone()).len();
            for at in 0..length {
                let mut case = self.clone();
                part(&mut case).remove(at);
                if !case.main.is_empty() {
                    cases.push(case);
                }
            }
        }
        cases
    }
}

/// A text of characters that need care.
fn awkward(random: &mut Random, most: usize) -> String {
    if random.percent(15) {
        let text = *random.of(SCALARS);
        return text.trim_matches('"').to_owned();
    }
    let length = random.below(most + 1);
    let plain = random.percent(50);
    let mut text = String::new();
    while text.len() < length {
        if plain && random.percent(85) {
            text.push_str(random.of::<&str>(&["word", "a", " ", "long-word", "x1", "."]));
        } else {
            text.push_str(random.of::<&str>(&[
                " ",
                "  ",
                "\n",
                "\n\n",
                "\t",
                ":",
                ": ",
                " #",
                "#",
                "-",
                "- ",
                "?",
                ",",
                "[",
                "]",
                "{",
                "}",
                "&",
                "*",
                "!",
                "|",
                ">",
                "'",
                "\"",
                "%",
                "@",
                "`",
                "~",
                "\\",
                "0",
                "1",
                "é",
                "日本",
                "😀",
                "\u{a0}",
                "\r",
                "=",
                "<",
                "a b c d e f g h i j k l m n o p q r s t u v w x y z",
                "\u{7}",
                "/",
                "$",
                "_",
                "+",
                "e",
                "true",
                "null",
            ]));
        }
    }
    text
}

/// A text in double quotes, as YAML, JSON and Go's templates read it.
fn json_text(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if c < ' ' || matches!(c, '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

fn number_text(random: &mut Random) -> String {
    match random.below(5) {
        0 => (random.next() as i64).to_string(),
        1 => format!("{:e}", f64::from_bits(random.next())).replace("NaN", "1").replace("inf", "2"),
        2 => format!("{}.{}", random.below(100_000), random.below(1000)),
        3 => format!("{}e{}", random.below(1000), random.below(30)),
        _ => (random.below(10_000_000) as i64 - 5_000_000).to_string(),
    }
}

// Values

/// Plain scalars as they stand in a file.
const SCALARS: &[&str] = &[
    "1e6",
    "1e3",
    "1E3",
    "0.1",
    "-0",
    "-0.0",
    "0",
    "1",
    "-1",
    "42",
    "8080",
    "1000000",
    "1234567",
    "12345678",
    "100000",
    "123456789012",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551616",
    "-9223372036854775808",
    "1.5",
    "3.0",
    "1.10",
    "1e-7",
    "1e21",
    "1e100",
    ".5",
    "5.",
    "+1",
    "+.5",
    "0x1F",
    "0o17",
    "017",
    "0b101",
    "1_000",
    "1__0",
    "08",
    "1:30",
    "190:20:30",
    "~",
    "null",
    "Null",
    "NULL",
    "",
    "true",
    "True",
    "TRUE",
    "false",
    "yes",
    "no",
    "Yes",
    "on",
    "off",
    "y",
    "n",
    "Y",
    "N",
    "2020-01-02",
    "2020-01-02T03:04:05Z",
    "2020-01-02 03:04:05",
    "1.2.3",
    "v1.2.3",
    "1.2.3-rc.1+b",
    "a",
    "abc",
    "a b",
    "foo-bar",
    "foo_bar",
    "FooBar",
    "foo/bar:1.2",
    "http://u:p@example.com:80/a?b=c#d",
    "ä",
    "日本語",
    "😀",
    "e\u{301}",
    "<<",
    "=",
    "-a",
    "--",
    "'single'",
    "\"double\"",
    "'it''s'",
    "\"a\\nb\"",
    "\"a\\n\"",
    "\"\\n\"",
    "\" lead\"",
    "\"trail \"",
    "\"a\\tb\"",
    "\"\\u00e9\\x07\"",
    "\"#c\"",
    "\"a: b\"",
    "\"a #b\"",
    "\"- a\"",
    "\"? a\"",
    "\"[a]\"",
    "\"{a}\"",
    "\"*a\"",
    "\"&a\"",
    "\"!a\"",
    "\"%a\"",
    "\"@a\"",
    "\"`a\"",
    "\"|\"",
    "\">\"",
    "\"true\"",
    "\"null\"",
    "\"1\"",
    "\"1e3\"",
    "\"0x1\"",
    "\"~\"",
    "\"\"",
    "\"yes\"",
    "\"2020-01-02\"",
    "\"1:30\"",
    "\"012\"",
    "\"0o7\"",
    "\"1_0\"",
    "\"a\\n b\\n\"",
    "\"a\\n\\nb\\n\\n\"",
    "\"\\na\"",
    "\" \\na\"",
    "\"a\\r\\nb\"",
    "\"\\ta\"",
    "\"a\\u0085b\"",
    "\"a\\u2028b\"",
    "\"\\ufeffa\"",
    "\"{{ .Values.s1 }}\"",
    "\"{{ 1 }}x{{ \\\"q\\\" }}\"",
    "\"<a href='x'>&\"",
    "\"a,b,,c\"",
    "\"a.b.c\"",
    "\"$1\"",
    "\"a\\\\b\"",
    "\"'\"",
    "\"\\\"\"",
    "\"lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore et dolore magna aliqua\"",
    "\"key: value\\nlist:\\n- 1\\n- two\\n\"",
    "\"{\\\"a\\\": [1, 2.5, null, true], \\\"b\\\": {\\\"c\\\": \\\"d\\\"}}\"",
    "\"[1, \\\"a\\\", null]\"",
    "\"a = 1\\n[b]\\nc = 'd'\\n\"",
    "\"aGVsbG8=\"",
    "\"1h30m\"",
    "\"Hello World foo\"",
    "\"...\"",
    "\"---\"",
    "\"a\\\\nb\"",
    "\"100%\"",
    "\"%s %d\"",
];

const KEYS: &[&str] = &[
    "a", "b", "c", "name", "image", "A", "B2", "b10", "b2", "x-y", "\"1\"", "\"true\"", "\"a b\"", "\"a.b\"", "\"ü\"",
    "\"\"", "\"null\"", "\"x:\"",
];

fn scalar(random: &mut Random) -> String {
    (*random.of(SCALARS)).to_owned()
}

/// A value in flow style.
fn flow(random: &mut Random, depth: usize) -> String {
    match random.below(if depth > 2 { 6 } else { 10 }) {
        0..=5 => {
            let text = scalar(random);
            // Plain scalars end at what flow style is made of.
            let plain = !text.starts_with(['"', '\'']);
            if plain
                && (text.is_empty()
                    || text.contains([',', '[', ']', '{', '}', ':', '#', '?'])
                    || text.starts_with('-') && text.len() < 4)
            {
                "plain".to_owned()
            } else {
                text
            }
        }
        6 | 7 => {
            let count = random.below(4);
            format!("[{}]", (0..count).map(|_| flow(random, depth + 1)).collect::<Vec<_>>().join(", "))
        }
        _ => {
            let count = random.below(4);
            let entries: BTreeMap<&str, String> =
                (0..count).map(|_| (*random.of(KEYS), flow(random, depth + 1))).collect();
            format!(
                "{{{}}}",
                entries.iter().map(|(key, value)| format!("{key}: {value}")).collect::<Vec<_>>().join(", ")
            )
        }
    }
}

fn list_of(random: &mut Random, mut item: impl FnMut(&mut Random) -> String) -> String {
    let count = random.below(5);
    format!("[{}]", (0..count).map(|_| item(random)).collect::<Vec<_>>().join(", "))
}

fn string(random: &mut Random) -> String {
    loop {
        let text = *random.of(SCALARS);
        if text.starts_with('"') {
            return text.to_owned();
        }
        if random.percent(30)
            && text.chars().all(char::is_alphanumeric)
            && text.starts_with(|c: char| "afv日".contains(c))
        {
            return text.to_owned();
        }
    }
}

fn number(random: &mut Random) -> String {
    (*random.of(&[
        "0",
        "1",
        "2",
        "3",
        "-1",
        "10",
        "1.5",
        "0.1",
        "1e6",
        "1234567",
        "-2.5",
        "8080",
        "1e-7",
        "100",
        "1e21",
        "9007199254740993",
    ]))
    .to_owned()
}

fn block(random: &mut Random) -> String {
    let style = random.of(&["|", "|-", "|+", ">", ">-", ">+"]);
    let mut text = format!("{style}\n");
    for line in 0..1 + random.below(4) {
        match if line == 0 { 4 } else { random.below(5) } {
            0 => text.push('\n'),
            1 => text.push_str("    more indented\n"),
            _ => {
                let _ = writeln!(
                    text,
                    "  {}",
                    random.of(&["text", "a: b", "- x", "# c", "tail  ", "\"q\"", "日本 x", "{{ 1 }}"])
                );
            }
        }
    }
    text
}

/// The entries of a values file. What is under a name is mostly of the type that the name promises.
fn values(random: &mut Random) -> Vec<String> {
    let mut entries = Vec::new();
    for name in ["s1", "s2", "s3"] {
        let value = if random.percent(12) { block(random) } else { format!("{}\n", string(random)) };
        entries.push(format!("{name}: {value}"));
    }
    for name in ["n1", "n2", "n3"] {
        entries.push(format!("{name}: {}\n", number(random)));
    }
    for name in ["x1", "x2", "x3"] {
        entries.push(
            format!("{name}: {}\n", scalar(random)).replace(": - a\n", ": '- a'\n").replace(": a: b\n", ": ab\n"),
        );
    }
    entries.push(format!("b1: {}\n", random.percent(50)));
    entries.push("nil:\n".to_owned());
    entries.push("emptys: \"\"\nemptym: {}\nemptyl: []\n".to_owned());
    entries.push(format!("l1: {}\n", list_of(random, string)));
    entries.push(format!("l2: {}\n", list_of(random, number)));
    entries.push(format!("l3: {}\n", list_of(random, |random| flow(random, 1))));
    entries.push(format!(
        "lm: {}\n",
        list_of(random, |random| format!("{{name: {}, v: {}}}", string(random), flow(random, 2)))
    ));
    entries.push(format!("m1: {{a: {}, b: {}, c: {{d: {}}}}}\n", string(random), number(random), flow(random, 2)));
    let count = random.below(4);
    let more: BTreeMap<&str, String> = (0..count).map(|_| (*random.of(KEYS), flow(random, 1))).collect();
    let mut map = "m2:\n  a: 1\n".to_owned();
    for (key, value) in more.iter().filter(|(key, _)| **key != "a") {
        let _ = writeln!(map, "  {key}: {value}");
    }
    entries.push(map);
    if random.percent(10) {
        entries.push("base: &base {p: 1, q: two}\nmerged: {<<: *base, q: 3}\nalias: *base\n".to_owned());
    }
    // Each name stands once, wherever it stands.
    for at in (1..entries.len()).rev() {
        let other = random.below(at + 1);
        entries.swap(at, other);
    }
    entries
}

// Templates

/// What an expression is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Any,
    Text,
    /// `int`, and nothing else
    Int,
    Number,
    Bool,
    List,
    Texts,
    Map,
    /// A date
    Time,
}

use Kind::{Any, Bool, Int, List, Map, Number, Text, Texts, Time};

/// Functions with what they take and give. The last of the parameters is repeated where the flag says so.
#[rustfmt::skip]
const FUNCTIONS: &[(&str, &[Kind], bool, Kind)] = &[
    ("quote", &[Any], true, Text), ("squote", &[Any], true, Text), ("upper", &[Text], false, Text), ("lower", &[Text], false, Text),
    ("title", &[Text], false, Text), ("untitle", &[Text], false, Text), ("trim", &[Text], false, Text), ("trunc", &[Int, Text], false, Text),
    ("abbrev", &[Int, Text], false, Text), ("abbrevboth", &[Int, Int, Text], false, Text), ("substr", &[Int, Int, Text], false, Text),
    ("repeat", &[Int, Text], false, Text), ("trimAll", &[Text, Text], false, Text), ("trimall", &[Text, Text], false, Text),
    ("trimSuffix", &[Text, Text], false, Text), ("trimPrefix", &[Text, Text], false, Text), ("nospace", &[Text], false, Text),
    ("initials", &[Text], false, Text), ("swapcase", &[Text], false, Text), ("snakecase", &[Text], false, Text),
    ("camelcase", &[Text], false, Text), ("kebabcase", &[Text], false, Text), ("wrap", &[Int, Text], false, Text),
    ("wrapWith", &[Int, Text, Text], false, Text), ("contains", &[Text, Text], false, Bool), ("hasPrefix", &[Text, Text], false, Bool),
    ("hasSuffix", &[Text, Text], false, Bool), ("cat", &[Any], true, Text), ("indent", &[Int, Text], false, Text),
    ("nindent", &[Int, Text], false, Text), ("replace", &[Text, Text, Text], false, Text), ("plural", &[Text, Text, Int], false, Text),
    ("toString", &[Any], false, Text), ("toStrings", &[List], false, Texts), ("join", &[Text, List], false, Text),
    ("split", &[Text, Text], false, Any), ("splitList", &[Text, Text], false, Texts), ("splitn", &[Text, Int, Text], false, Any),
    ("sortAlpha", &[List], false, Texts), ("atoi", &[Text], false, Int), ("int", &[Any], false, Int), ("int64", &[Any], false, Number),
    ("float64", &[Any], false, Number), ("seq", &[Int], true, Text), ("toDecimal", &[Any], false, Number), ("until", &[Int], false, List),
    ("untilStep", &[Int, Int, Int], false, List), ("add1", &[Number], false, Number), ("add", &[Number], true, Number),
    ("sub", &[Number, Number], false, Number), ("div", &[Number, Number], false, Number), ("mod", &[Number, Number], false, Number),
    ("mul", &[Number, Number], true, Number), ("add1f", &[Number], false, Number), ("addf", &[Number], true, Number),
    ("subf", &[Number, Number], true, Number), ("divf", &[Number, Number], true, Number), ("mulf", &[Number, Number], true, Number),
    ("max", &[Number], true, Number), ("min", &[Number], true, Number), ("biggest", &[Number], true, Number), ("maxf", &[Number], true, Number),
    ("minf", &[Number], true, Number), ("ceil", &[Number], false, Number), ("floor", &[Number], false, Number),
    ("round", &[Number, Int], false, Number), ("len", &[Any], false, Int), ("default", &[Any, Any], false, Any), ("empty", &[Any], false, Bool),
    ("coalesce", &[Any], true, Any), ("all", &[Any], true, Bool), ("any", &[Any], true, Bool), ("ternary", &[Any, Any, Bool], false, Any),
    ("typeOf", &[Any], false, Text), ("kindOf", &[Any], false, Text), ("kindIs", &[Text, Any], false, Bool), ("typeIs", &[Text, Any], false, Bool),
    ("typeIsLike", &[Text, Any], false, Bool), ("deepEqual", &[Any, Any], false, Bool), ("deepCopy", &[Map], false, Any),
    ("toYaml", &[Any], false, Text), ("mustToYaml", &[Any], false, Text), ("toYamlPretty", &[Any], false, Text), ("fromYaml", &[Text], false, Map),
    ("fromYamlArray", &[Text], false, List), ("toJson", &[Any], false, Text), ("mustToJson", &[Any], false, Text), ("fromJson", &[Text], false, Map),
    ("fromJsonArray", &[Text], false, List), ("mustFromJson", &[Text], false, Any), ("toPrettyJson", &[Any], false, Text),
    ("toRawJson", &[Any], false, Text), ("toToml", &[Map], false, Text), ("fromToml", &[Text], false, Map), ("b64enc", &[Text], false, Text),
    ("b64dec", &[Text], false, Text), ("b32enc", &[Text], false, Text), ("b32dec", &[Text], false, Text), ("base", &[Text], false, Text),
    ("dir", &[Text], false, Text), ("clean", &[Text], false, Text), ("ext", &[Text], false, Text), ("isAbs", &[Text], false, Bool),
    ("osBase", &[Text], false, Text), ("urlParse", &[Text], false, Map), ("urlJoin", &[Map], false, Text), ("get", &[Map, Text], false, Any),
    ("hasKey", &[Map, Text], false, Bool), ("pick", &[Map, Text], true, Map), ("omit", &[Map, Text], true, Map), ("pluck", &[Text, Map], true, List),
    ("merge", &[Map, Map], true, Map), ("mergeOverwrite", &[Map, Map], true, Map), ("set", &[Map, Text, Any], false, Map),
    ("unset", &[Map, Text], false, Map), ("list", &[Any], true, List), ("tuple", &[Any], true, List), ("append", &[List, Any], false, List),
    ("push", &[List, Any], false, List), ("prepend", &[List, Any], false, List), ("first", &[List], false, Any), ("mustFirst", &[List], false, Any),
    ("rest", &[List], false, List), ("last", &[List], false, Any), ("initial", &[List], false, List), ("reverse", &[List], false, List),
    ("compact", &[List], false, List), ("uniq", &[List], false, List), ("without", &[List, Any], true, List), ("has", &[Any, List], false, Bool),
    ("concat", &[List], true, List), ("chunk", &[Int, List], false, List), ("sha1sum", &[Text], false, Text), ("sha256sum", &[Text], false, Text),
    ("sha512sum", &[Text], false, Text), ("adler32sum", &[Text], false, Text), ("semver", &[Text], false, Any),
    ("semverCompare", &[Text, Text], false, Bool), ("regexMatch", &[Text, Text], false, Bool), ("regexFind", &[Text, Text], false, Text),
    ("regexFindAll", &[Text, Text, Int], false, Texts), ("regexReplaceAll", &[Text, Text, Text], false, Text),
    ("regexReplaceAllLiteral", &[Text, Text, Text], false, Text), ("regexSplit", &[Text, Text, Int], false, Texts),
    ("mustRegexMatch", &[Text, Text], false, Bool), ("regexQuoteMeta", &[Text], false, Text), ("eq", &[Any, Any], true, Bool), ("ne", &[Any, Any], false, Bool),
    ("lt", &[Number, Number], false, Bool), ("le", &[Number, Number], false, Bool), ("gt", &[Number, Number], false, Bool),
    ("ge", &[Number, Number], false, Bool), ("lt", &[Text, Text], false, Bool), ("and", &[Any, Any], true, Any), ("or", &[Any, Any], true, Any),
    ("not", &[Any], false, Bool), ("print", &[Any], true, Text), ("println", &[Any], true, Text), ("html", &[Any], true, Text), ("js", &[Any], true, Text),
    ("urlquery", &[Any], true, Text), ("required", &[Text, Any], false, Any), ("lookup", &[Text, Text, Text, Text], false, Map),
    ("duration", &[Any], false, Text), ("durationRound", &[Text], false, Text), ("toDate", &[Text, Text], false, Time),
    ("date", &[Text, Time], false, Text), ("htmlDate", &[Time], false, Text), ("dateModify", &[Text, Time], false, Time),
    ("unixEpoch", &[Time], false, Text), ("tpl", &[Text, Any], false, Text), ("hello", &[], false, Text),
    ("slice", &[Text, Int], false, Text), ("index", &[List, Int], false, Any), ("index", &[Map, Text], false, Any),
    ("mustAppend", &[List, Any], false, List), ("mustPrepend", &[List, Any], false, List), ("mustRest", &[List], false, List),
    ("mustLast", &[List], false, Any), ("mustInitial", &[List], false, List), ("mustReverse", &[List], false, List), ("mustUniq", &[List], false, List),
    ("mustWithout", &[List, Any], true, List), ("mustHas", &[Any, List], false, Bool), ("mustCompact", &[List], false, List),
    ("mustSlice", &[List, Int], true, List), ("slice", &[List, Int], true, List), ("mustMerge", &[Map, Map], true, Map),
    ("mustToPrettyJson", &[Any], false, Text), ("mustToRawJson", &[Any], false, Text), ("mustDeepCopy", &[List], false, Any),
    ("mustToToml", &[Map], false, Text), ("mustRegexFindAll", &[Text, Text, Int], false, Texts), ("mustRegexReplaceAll", &[Text, Text, Text], false, Text),
    ("getHostByName", &[Text], false, Text), ("dateInZone", &[Text, Time, Text], false, Text),
];

const TEXTS: &[&str] = &[
    "\"\"",
    "\"a\"",
    "\"b\"",
    "\"abc\"",
    "\"a,b,c\"",
    "\",\"",
    "\"-\"",
    "\" \"",
    "\"Hello World\"",
    "\"foo-bar_baz Qux\"",
    "\"fooBarHTTPServer\"",
    "\"日本語\"",
    "\"ä😀\"",
    "\"a\\nb\\n\"",
    "\"\\t x \\n\"",
    "`raw\\n{{`",
    "\"1\"",
    "\"12.50\"",
    "\"0x10\"",
    "\"010\"",
    "\"-5\"",
    "\"1e3\"",
    "\"true\"",
    "\"name\"",
    "\"c\"",
    "\"http://a.b/c?d=e#f\"",
    "\"/a/b/../c.tar.gz\"",
    "\"YWJj\"",
    "\"a: 1\\nb: [x, 2]\"",
    "\"[1, 2]\"",
    "\"{\\\"k\\\": 1.5}\"",
    "\"x = 1\"",
    "\"string\"",
    "\"int\"",
    "\"map\"",
    "\"slice\"",
    "\"float64\"",
    "\"<b>&'\\\"\"",
    "\"%d\"",
    "\"é\\x00\\u00a0\"",
    "\"The quick brown fox jumps over the lazy dog\"",
    "\"a.b.c\"",
    "\".\"",
    "\"a a a\"",
    "\"{{ .x }}\"",
    "\"{{ . }}\"",
    "\"{{ 1 | add 2 }}\"",
];

const INTS: &[&str] =
    &["0", "1", "2", "3", "4", "5", "7", "10", "20", "-1", "-2", "-5", "0x10", "'a'", "1_0", "0b11", "0o7"];
const NUMBERS: &[&str] = &[
    "0",
    "1",
    "2",
    "-1",
    "3",
    "10",
    "1.5",
    "0.1",
    "0.2",
    "-2.5",
    "1e3",
    "1e6",
    "100",
    "\"3\"",
    "\"2.5\"",
    "\"x\"",
    "1e20",
    "0x1p4",
    "9223372036854775807",
];
const PATTERNS: &[&str] = &[
    "\"a\"",
    "\"[a-z]+\"",
    "\"^a\"",
    "\"b$\"",
    "\"(a)(b)?\"",
    "\"\"",
    "\"\\\\d+\"",
    "\"\\\\s\"",
    "\"[^a-z]\"",
    "\"(?i)A\"",
    "\"a*\"",
    "\"a|b\"",
    "\".\"",
    "\"(?P<n>.)\"",
    "\"[[:alpha:]]\"",
    "\"x{2}\"",
    "\"(\"",
    "\"[\"",
    "\"a**\"",
    "\"\\\\w+\\\\b\"",
    "\"\\\\pL\"",
    "\"[-a]\"",
    "\"(?s).+\"",
    "\"^$\"",
    "\"\\\\.\"",
    "\"[\\\\w.]+\"",
    "\"a{,2}\"",
];
const REPLACEMENTS: &[&str] =
    &["\"x\"", "\"\"", "\"$1\"", "\"${1}y\"", "\"$0$0\"", "\"$$\"", "\"$n\"", "\"${n}-\"", "\"$\"", "\"${\""];
const RANGES: &[&str] = &[
    "\">=1.0.0\"",
    "\"^1.2\"",
    "\"~1.2.3\"",
    "\"1.x\"",
    "\"<2 || >3\"",
    "\">= 1.0, < 2\"",
    "\"*\"",
    "\"1.2 - 1.4\"",
    "\">=1.0.0-0\"",
    "\"x\"",
    "\"\"",
];
const VERSIONS: &[&str] = &[
    "\"1.2.3\"",
    "\"v1.2.3\"",
    "\"1.2\"",
    "\"1\"",
    "\"1.2.3-rc.1\"",
    "\"1.2.3+b\"",
    "\"2.0.0-alpha\"",
    "\"x\"",
    "\"1.2.3.4\"",
    "\"01.2.3\"",
];
const LAYOUTS: &[&str] = &[
    "\"2006-01-02\"",
    "\"2006-01-02T15:04:05Z07:00\"",
    "\"Jan _2 2006 03:04PM\"",
    "\"Mon, 02 Jan 2006 15:04:05 MST\"",
    "\"2006\"",
    "\"15h04\"",
    "\"02.01.06 .000\"",
];
const DATES: &[&str] = &[
    "\"2020-02-29\"",
    "\"1999-12-31T23:59:59Z\"",
    "\"2021-06-01T10:20:30+02:00\"",
    "\"2020\"",
    "\"x\"",
    "\"Feb  3 2021 04:05PM\"",
];
const FORMATS: &[&str] = &[
    "%v", "%s", "%d", "%q", "%5d", "%-5d|", "%05d", "%+d", "%x", "%X", "%o", "%b", "%c", "%U", "%e", "%f", "%.2f",
    "%8.3f", "%g", "%G", "%t", "%T", "%%", "%10s", "%-10s|", "%.3s", "%#v", "%+v", "%6.2f", "% d", "%#x", "%*d",
    "%[1]v", "%[2]v", "%z", "%", "%!", "%3c", "%08.3f", "%+q", "%#q", "% x", "%.0f", "%w", "%06s", "%.10g", "%x",
];

struct Maker<'r> {
    random: &'r mut Random,
    variables: Vec<String>,
    loops: usize,
    blocks: usize,
    /// Whether `$` is not what Helm hands over.
    foreign: usize,
    /// What the dot is, from outside in; the outermost is Helm's.
    dots: Vec<Kind>,
    depth: usize,
}

const NAMES: &[&str] = &["p.one", "p.two", "p.rec", "p.dict"];

impl Maker<'_> {
    fn partials(&mut self) -> Vec<String> {
        let mut partials = vec![
            "{{- define \"p.one\" -}}".to_owned()
                + *self.random.of(&["one", "{{ . }}", "{{ toYaml . }}", "{{ . | quote }}"])
                + "{{- end }}\n",
        ];
        self.dots.push(Any);
        self.foreign += 1;
        let body = self.statement();
        self.foreign -= 1;
        partials.push(format!("{{{{ define \"p.two\" }}}}{body}{{{{ end -}}}}\n"));
        self.dots.pop();
        partials.push(
            "{{- define \"p.rec\" -}}{{ if gt (int .) 0 }}{{ . }},{{ include \"p.rec\" (sub (int .) 1) }}{{ end }}{{- end -}}".to_owned(),
        );
        partials.push("{{ define \"p.dict\" }}a: {{ .a }}\nb: {{ .b | default \"none\" }}{{ end }}".to_owned());
        partials
    }

    fn text(&mut self) -> String {
        (*self.random.of(&["", "\n", " ", "x", "key: ", "\n  ", "- ", "日", "\n\n", "}}", "{ { ", "a\tb", "\r\n"]))
            .to_owned()
    }

    fn open(&mut self) -> &'static str {
        if self.random.percent(25) { "{{- " } else { "{{ " }
    }

    fn close(&mut self) -> &'static str {
        if self.random.percent(25) { " -}}" } else { " }}" }
    }

    fn action(&mut self, inside: &str) -> String {
        format!("{}{inside}{}", self.open(), self.close())
    }

    fn body(&mut self) -> String {
        let mark = self.variables.len();
        let count = 1 + self.random.below(2);
        let body: String = (0..count).map(|_| self.statement()).collect();
        self.variables.truncate(mark);
        body
    }

    fn statement(&mut self) -> String {
        self.depth += 1;
        let before = self.text();
        let after = self.text();
        let statement = match if self.depth > 4 { self.random.below(11) } else { self.random.below(22) } {
            0..=6 => {
                let pipeline = self.pipeline(Any);
                self.action(&pipeline)
            }
            7 => (*self.random.of(&["{{/* c */}}", "{{- /* c\n */ -}}", "{{/**/}}", "{{ \"\" }}", "{{- \"\" -}}"]))
                .to_owned(),
            8 => {
                let name = format!("$v{}", self.variables.len());
                let value = self.pipeline(Any);
                self.variables.push(name.clone());
                self.action(&format!("{name} := {value}"))
            }
            9 => match self.variables.last().cloned() {
                Some(name) => {
                    let value = self.pipeline(Any);
                    self.action(&format!("{name} = {value}"))
                }
                None => self.action("printf \"%d\" 1"),
            },
            10 => {
                let printed = self.printf();
                self.action(&printed)
            }
            11 | 12 => {
                let condition = self.pipeline(Any);
                let mut text = self.action(&format!("if {condition}")) + &self.body();
                if self.random.percent(30) {
                    let other = self.pipeline(Bool);
                    text += &(self.action(&format!("else if {other}")) + &self.body());
                }
                if self.random.percent(40) {
                    text += &(self.action("else") + &self.body());
                }
                text + &self.action("end")
            }
            13 | 14 => {
                let value = self.pipeline(Any);
                let mark = self.variables.len();
                let variable = if self.random.percent(30) { self.variable() + " := " } else { String::new() };
                self.dots.push(Any);
                let mut text = self.action(&format!("with {variable}{value}")) + &self.body();
                self.dots.pop();
                self.variables.truncate(mark);
                if self.random.percent(25) {
                    let other = self.pipeline(Any);
                    self.dots.push(Any);
                    text += &(self.action(&format!("else with {other}")) + &self.body());
                    self.dots.pop();
                }
                if self.random.percent(40) {
                    text += &(self.action("else") + &self.body());
                }
                text + &self.action("end")
            }
            15..=17 => self.range(),
            18 => {
                let names = if self.foreign > 0 { &NAMES[..1] } else { NAMES };
                let name = *self.random.of(names);
                let argument = if name == "p.dict" { self.argument(Map) } else { self.argument(Any) };
                self.action(&format!("template \"{name}\" {argument}"))
            }
            19 => {
                let names = if self.foreign > 0 { &NAMES[..1] } else { NAMES };
                let name = *self.random.of(names);
                let argument = if name == "p.rec" {
                    self.random.below(5).to_string()
                } else {
                    self.argument(if name == "p.dict" { Map } else { Any })
                };
                let more =
                    *self.random.of(&["", " | indent 2", " | nindent 4", " | quote", " | fromYaml", " | trim | upper"]);
                self.action(&format!("include \"{name}\" {argument}{more}"))
            }
            20 => {
                let argument = self.argument(Any);
                self.blocks += 1;
                let name = format!("blk{}", self.blocks);
                self.dots.push(Any);
                let kept = std::mem::take(&mut self.variables);
                self.foreign += 1;
                let loops = std::mem::take(&mut self.loops);
                let text = self.action(&format!("block \"{name}\" {argument}")) + &self.body() + &self.action("end");
                self.foreign -= 1;
                self.variables = kept;
                self.loops = loops;
                self.dots.pop();
                text
            }
            _ => {
                let text = *self.random.of(&[
                    "\"{{ . }}\"",
                    "\"{{ .Values.s1 }}\"",
                    ".Values.s1",
                    ".Values.x1",
                    "\"{{ include \\\"p.one\\\" . }}\"",
                    "\"{{ range $i, $e := list 1 2 }}{{ $i }}={{ $e }};{{ end }}\"",
                    "\"{{ define \\\"t\\\" }}T{{ . }}{{ end }}{{ template \\\"t\\\" 1 }}{{ include \\\"t\\\" 2 }}\"",
                    "(toYaml .Values.m1)",
                    "\"{{ nope }}\"",
                    "\"{{ fail \\\"no\\\" }}\"",
                    "\"{{ $x := 1 }}{{ $x }}{{ $.Values.s2 }}\"",
                ]);
                let text = if self.foreign > 0 && text.contains("Values") { "\"x\"" } else { text };
                let argument = if text.contains("Values") { "$".to_owned() } else { self.argument(Any) };
                self.action(
                    &format!("tpl {text} {argument}")
                        .replace(" .Values", " $.Values")
                        .replace("(toYaml .", "(toYaml $."),
                )
            }
        };
        self.depth -= 1;
        format!("{before}{statement}{after}")
    }

    fn variable(&mut self) -> String {
        let name = format!("$v{}", self.variables.len());
        self.variables.push(name.clone());
        name
    }

    fn range(&mut self) -> String {
        let over = match self.random.below(6) {
            0 => self.argument(Int),
            1 => self.argument(Map),
            2 if self.foreign == 0 => {
                format!("$.Values.{}", self.random.of(&["x1", "x2", "nil", "s1", "m1.c", "n1", "missing"]))
            }
            _ => self.argument(List),
        };
        let mark = self.variables.len();
        let variables = match self.random.below(4) {
            0 => self.variable() + " := ",
            1 | 2 => {
                let index = self.variable();
                let item = self.variable();
                format!("{index}, {item} := ")
            }
            _ => String::new(),
        };
        self.dots.push(Any);
        self.loops += 1;
        let mut text = self.action(&format!("range {variables}{over}")) + &self.body();
        if self.random.percent(20) {
            let condition = self.pipeline(Bool);
            let word = *self.random.of(&["break", "continue"]);
            text +=
                &(self.action(&format!("if {condition}")) + &self.action(word) + &self.action("end") + &self.body());
        }
        self.loops -= 1;
        self.dots.pop();
        self.variables.truncate(mark);
        if self.random.percent(30) {
            text += &(self.action("else") + &self.body());
        }
        text + &self.action("end")
    }

    fn printf(&mut self) -> String {
        let count = 1 + self.random.below(3);
        let mut format = String::new();
        for _ in 0..count {
            let more = *self.random.of(FORMATS);
            format.push_str(more);
            format.push(' ');
        }
        let given = if self.random.percent(90) { count } else { self.random.below(4) };
        let arguments: String = (0..given)
            .map(|_| {
                let kind = *self.random.of(&[Text, Int, Number, Bool, List, Map, Texts]);
                format!(" {}", self.argument(kind))
            })
            .collect();
        format!("printf {format:?}{arguments}")
    }

    /// Commands with bars between.
    fn pipeline(&mut self, kind: Kind) -> String {
        let mut pipeline = self.chain(kind, 0);
        if pipeline == "nil" {
            "(first (list nil))".clone_into(&mut pipeline);
        }
        if self.random.percent(3) {
            let (name, parameters, _, _) = *self.random.of(FUNCTIONS);
            let Some((last, before)) = parameters.split_last() else { return pipeline };
            // Numbers that nobody chose make lists that do not end.
            if matches!(
                name,
                "until" | "untilStep" | "seq" | "fromToml" | "set" | "merge" | "mustMerge" | "mergeOverwrite"
            ) || *last == Time
            {
                return pipeline;
            }
            let arguments = self.arguments(name, before);
            let _ = write!(pipeline, " | {name}{arguments}");
        }
        pipeline
    }

    /// Functions that are handed what the one before gave.
    fn chain(&mut self, kind: Kind, depth: usize) -> String {
        if depth < 3 && self.random.percent(35) {
            for _ in 0..20 {
                let (name, parameters, _, gives) = *self.random.of(FUNCTIONS);
                let Some((last, before)) = parameters.split_last() else { continue };
                let fits = kind == Any || gives == kind || kind == List && gives == Texts;
                let endless = matches!(
                    name,
                    "until" | "untilStep" | "seq" | "fromToml" | "set" | "merge" | "mustMerge" | "mergeOverwrite"
                );
                if !fits
                    || endless
                    || matches!(last, Time | Int)
                    || name.to_lowercase().contains("regex")
                    || name.contains("emver")
                {
                    continue;
                }
                let first = self.chain(*last, depth + 1);
                let first = if first == "nil" { "(first (list nil))".to_owned() } else { first };
                let arguments = self.arguments(name, before);
                return format!("{first} | {name}{arguments}");
            }
        }
        self.expression(kind, 0)
    }

    fn arguments(&mut self, name: &str, kinds: &[Kind]) -> String {
        let mut text = String::new();
        for (index, kind) in kinds.iter().enumerate() {
            let argument = match (name, index) {
                _ if name.to_lowercase().contains("regex") && index == 0 && name != "regexQuoteMeta" => {
                    (*self.random.of(PATTERNS)).to_owned()
                }
                _ if name.contains("egexReplace") && index == 2 => (*self.random.of(REPLACEMENTS)).to_owned(),
                ("semverCompare", 0) => (*self.random.of(RANGES)).to_owned(),
                ("semverCompare", 1) | ("semver", 0) => (*self.random.of(VERSIONS)).to_owned(),
                ("date" | "dateInZone" | "toDate", 0) => (*self.random.of(LAYOUTS)).to_owned(),
                ("toDate", 1) => (*self.random.of(DATES)).to_owned(),
                ("dateInZone", 2) => "\"UTC\"".to_owned(),
                ("durationRound", 0) | ("dateModify", 0) => {
                    (*self.random.of(&["\"1h\"", "\"-90m\"", "\"2400h\"", "\"x\"", "\"1.5s\""])).to_owned()
                }
                ("kindIs" | "typeIs" | "typeIsLike", 0) => (*self.random.of(&[
                    "\"string\"",
                    "\"int\"",
                    "\"float64\"",
                    "\"map\"",
                    "\"slice\"",
                    "\"bool\"",
                    "\"invalid\"",
                    "\"int64\"",
                    "\"[]interface {}\"",
                ]))
                .to_owned(),
                ("get" | "hasKey" | "unset" | "set" | "pick" | "omit" | "pluck" | "index", _) if *kind == Text => {
                    (*self.random.of(&["\"a\"", "\"b\"", "\"c\"", "\"name\"", "\"zz\""])).to_owned()
                }
                ("fromToml", 0) => (*self.random.of(&[
                    "\"a = 1\"",
                    "\"a = 'x'\\n[b]\\nc = [1, 2.5]\\n[[d]]\\ne = true\\n[[d]]\"",
                    "\"d = 2020-01-02T03:04:05Z\"",
                    "\"\"",
                    "\"a.b.c = 0x1F\\nx = {y = 1}\"",
                ]))
                .to_owned(),
                // Maps that hold themselves end Helm's process.
                ("set", 2) => self.argument(Text),
                ("merge" | "mustMerge" | "mergeOverwrite", 0) => format!("(deepCopy {})", self.argument(Map)),
                ("tpl", 0) => {
                    (*self.random.of(&["\"{{ . }}\"", "\"x\"", "\"{{ .Values }}\"", "\"{{ kindOf . }}\""])).to_owned()
                }
                _ => self.argument(*kind),
            };
            let _ = write!(text, " {argument}");
        }
        text
    }

    /// A function with its arguments, or a value.
    fn expression(&mut self, kind: Kind, depth: usize) -> String {
        if depth > 2 || self.random.percent(35) {
            return self.leaf(kind);
        }
        if self.random.percent(6) {
            return self.printf();
        }
        if kind == Map && self.random.percent(40) {
            let count = self.random.below(4);
            let entries: String = (0..count)
                .map(|_| {
                    format!(
                        " {} {}",
                        self.random.of(&["\"a\"", "\"b\"", "\"c\"", "\"k y\"", "\"10\""]),
                        self.argument(Any)
                    )
                })
                .collect();
            return format!("dict{entries}");
        }
        for _ in 0..30 {
            let (name, parameters, more, gives) = *self.random.of(FUNCTIONS);
            let fits = kind == Any
                || gives == kind
                || kind == List && gives == Texts
                || gives == Any && self.random.percent(10);
            if !fits && !self.random.percent(2) {
                continue;
            }
            self.depth += 1;
            let mut arguments = self.arguments(name, parameters);
            if more && let Some(last) = parameters.last() {
                for _ in 0..self.random.below(3) {
                    arguments += &self.arguments(name, std::slice::from_ref(last));
                }
            }
            self.depth -= 1;
            return format!("{name}{arguments}");
        }
        self.leaf(kind)
    }

    fn argument(&mut self, kind: Kind) -> String {
        if kind == Int || self.depth > 6 || self.random.percent(60) {
            return self.leaf(kind);
        }
        self.depth += 1;
        let depth = self.depth;
        let text = self.expression(kind, depth.saturating_sub(2));
        self.depth -= 1;
        let bare = matches!(text.as_str(), "nil" | "true" | "false")
            || !text.contains(' ')
                && (text.starts_with(['.', '$', '"', '`', '-', '\''])
                    || text.starts_with(|c: char| c.is_ascii_digit()));
        if bare || text.starts_with('(') { text } else { format!("({text})") }
    }

    fn leaf(&mut self, kind: Kind) -> String {
        let kind = if kind != Int && self.random.percent(4) { Any } else { kind };
        let root = if self.dots.is_empty() { ".Values" } else { "$.Values" };
        let foreign = self.foreign > 0;
        let own = move |names: &[&str], random: &mut Random| {
            let name = random.of(names);
            if !foreign {
                return format!("{root}.{name}");
            }
            match name.as_bytes()[0] {
                b's' => "\"fs\"",
                b'n' => "7",
                b'l' => "(list 1 \"b\")",
                b'm' => "(dict \"a\" 1)",
                _ => ".",
            }
            .to_owned()
        };
        if kind == Any && self.random.percent(25) && !self.variables.is_empty() {
            return self.random.of(&self.variables).clone();
        }
        if kind == Any && self.random.percent(40) && !self.dots.is_empty() {
            return (*self.random.of(&[".", ".", ".", ".name", ".a"])).to_owned();
        }
        match kind {
            Text => {
                if self.random.percent(50) {
                    (*self.random.of(TEXTS)).to_owned()
                } else {
                    own(&["s1", "s2", "s3"], self.random)
                }
            }
            Int => {
                if self.random.percent(75) {
                    (*self.random.of(INTS)).to_owned()
                } else {
                    format!("(int (mod {} 25))", own(&["n1", "n2"], self.random))
                }
            }
            Number => {
                if self.random.percent(50) {
                    (*self.random.of(NUMBERS)).to_owned()
                } else {
                    own(&["n1", "n2", "n3", "x1"], self.random)
                }
            }
            Bool => (*self.random.of(&["true", "false", "(eq 1 1)", "(empty .)"])).to_owned(),
            List | Texts => match self.random.below(6) {
                0 => "(list)".to_owned(),
                1 => "(list 1 \"a\" nil 2.5)".to_owned(),
                2 => "(until 3)".to_owned(),
                _ => own(&["l1", "l2", "l3", "lm", "emptyl"], self.random),
            },
            Map => match self.random.below(5) {
                0 => "(dict \"a\" 1 \"b\" \"x\")".to_owned(),
                1 => "(dict)".to_owned(),
                _ => own(&["m1", "m2", "emptym", "m1.c"], self.random),
            },
            Time => format!("(toDate {} {})", self.random.of(&LAYOUTS[..2]), self.random.of(&DATES[..3])),
            Any => match self.random.below(14) {
                0 => self.leaf(Text),
                1 => self.leaf(Int),
                2 => self.leaf(Number),
                3 => self.leaf(Bool),
                4 => self.leaf(List),
                5 => self.leaf(Map),
                6 => "nil".to_owned(),
                7 => own(&["nil", "missing", "emptys", "b1"], self.random),
                8 => own(
                    &["m1.a", "m1.b", "m1.c.d", "m1.zz", "m2.a", "m2.name.x", "s1.x", "merged.q", "alias.p"],
                    self.random,
                ),
                9 => format!("({}).a", own(&["m1", "m2"], self.random)),
                10 if !foreign => (*self.random.of(&[
                    "$.Release.Name",
                    "$.Release.Revision",
                    "$.Template.Name",
                    "(keys $.Values.m1 | sortAlpha)",
                ]))
                .to_owned(),
                _ => own(&["x1", "x2", "x3"], self.random),
            },
        }
    }
}
