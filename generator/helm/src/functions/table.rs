//! Which functions there are, what they take, and what runs when they are called.

use super::Body::{Pure, Refused, Templates};
use super::{Function, Signature, Type};
use super::{crypto, dates, dicts, encoding, lists, logic, numbers, paths, regexes, semver, strings, urls, words};

/// The names of all functions, and why those are refused that are refused.
pub fn names() -> impl Iterator<Item = (&'static str, Option<&'static str>)> {
    TABLE.iter().flat_map(|function| {
        let refused = match function.body {
            Refused(reason) => Some(reason),
            _ => None,
        };
        function.names.iter().map(move |name| (*name, refused))
    })
}

const A: Type = Type::Any;
const B: Type = Type::Bool;
const F: Type = Type::Float;
const I: Type = Type::Int;
const M: Type = Type::Map;
const S: Type = Type::String;
/// A moment in time.
const T: Type = Type::Object("time.Time");

const CHANCE: &str = "it gives something else on every run: set the value instead, or name an existing Secret";
const CLOCK: &str = "it reads the clock, so that it gives something else on every run";
const CERTIFICATE: &str = "it makes a new key on every run: let cert-manager make the certificate, or give your own";
const SALT: &str = "it salts with chance, so that it gives something else on every run: give the hash itself";

macro_rules! functions {
    (@signature $($parameter:expr),*) => { Signature::of(&[$($parameter),*]) };
    (@signature $($parameter:expr),* ; $rest:expr) => { Signature::variadic(&[$($parameter),*], $rest) };
    ($($names:literal $(, $more:literal)* ($($signature:tt)*) $body:expr;)*) => {
        &[$(Function { names: &[$names $(, $more)*], signature: functions!(@signature $($signature)*), body: $body }),*]
    };
}

pub(super) static TABLE: &[Function] = functions! {
    // Helm's own
    "include" (S, A) Templates(logic::include);
    "tpl" (S, A) Templates(logic::tpl);
    "required" (S, A) Pure(logic::required);
    "fail" (S) Pure(logic::fail);
    "lookup" (S, S, S, S) Pure(logic::lookup);
    "getHostByName" (S) Pure(logic::get_host_by_name);
    "toYaml" (A) Pure(encoding::to_yaml);
    "mustToYaml" (A) Pure(encoding::must_to_yaml);
    "toYamlPretty" (A) Pure(encoding::to_yaml_pretty);
    "fromYaml" (S) Pure(encoding::from_yaml);
    "fromYamlArray" (S) Pure(encoding::from_yaml_array);
    "toJson" (A) Pure(encoding::to_json);
    "mustToJson" (A) Pure(encoding::must_to_json);
    "fromJson" (S) Pure(encoding::from_json);
    "fromJsonArray" (S) Pure(encoding::from_json_array);
    "toToml" (A) Pure(encoding::to_toml);
    "mustToToml" (A) Pure(encoding::must_to_toml);
    "fromToml" (S) Pure(encoding::from_toml);

    // Dates
    "ago" (A) Refused(CLOCK);
    "now" () Refused(CLOCK);
    "date" (S, A) Pure(dates::date);
    "date_in_zone", "dateInZone" (S, A, S) Pure(dates::date_in_zone);
    "date_modify", "dateModify" (S, T) Pure(dates::date_modify);
    "must_date_modify", "mustDateModify" (S, T) Pure(dates::must_date_modify);
    "duration" (A) Pure(dates::duration);
    "durationRound" (A) Pure(dates::duration_round);
    "htmlDate" (A) Pure(dates::html_date);
    "htmlDateInZone" (A, S) Pure(dates::html_date_in_zone);
    "toDate" (S, S) Pure(dates::to_date);
    "mustToDate" (S, S) Pure(dates::must_to_date);
    "unixEpoch" (T) Pure(dates::unix_epoch);

    // Strings
    "hello" () Pure(strings::hello);
    "abbrev" (I, S) Pure(strings::abbrev);
    "abbrevboth" (I, I, S) Pure(strings::abbrevboth);
    "trunc" (I, S) Pure(strings::trunc);
    "trim" (S) Pure(strings::trim);
    "upper" (S) Pure(strings::upper);
    "lower" (S) Pure(strings::lower);
    "title" (S) Pure(words::title);
    "untitle" (S) Pure(words::untitle);
    "substr" (I, I, S) Pure(strings::substr);
    "repeat" (I, S) Pure(strings::repeat);
    "trimall", "trimAll" (S, S) Pure(strings::trim_all);
    "trimSuffix" (S, S) Pure(strings::trim_suffix);
    "trimPrefix" (S, S) Pure(strings::trim_prefix);
    "nospace" (S) Pure(words::nospace);
    "initials" (S) Pure(words::initials);
    "randAlphaNum", "randAlpha", "randAscii", "randNumeric", "randBytes" (I) Refused(CHANCE);
    "swapcase" (S) Pure(words::swapcase);
    "shuffle" (S) Refused(CHANCE);
    "snakecase" (S) Pure(words::snakecase);
    "camelcase" (S) Pure(words::camelcase);
    "kebabcase" (S) Pure(words::kebabcase);
    "wrap" (I, S) Pure(words::wrap);
    "wrapWith" (I, S, S) Pure(words::wrap_with);
    "contains" (S, S) Pure(strings::contains);
    "hasPrefix" (S, S) Pure(strings::has_prefix);
    "hasSuffix" (S, S) Pure(strings::has_suffix);
    "quote" (; A) Pure(strings::quote);
    "squote" (; A) Pure(strings::squote);
    "cat" (; A) Pure(strings::cat);
    "indent" (I, S) Pure(strings::indent);
    "nindent" (I, S) Pure(strings::nindent);
    "replace" (S, S, S) Pure(strings::replace);
    "plural" (S, S, I) Pure(strings::plural);
    "toString" (A) Pure(strings::to_string);
    "toStrings" (A) Pure(strings::to_strings);
    "join" (S, A) Pure(strings::join);
    "split" (S, S) Pure(strings::split);
    "splitList" (S, S) Pure(strings::split_list);
    "splitn" (S, I, S) Pure(strings::splitn);
    "sortAlpha" (A) Pure(strings::sort_alpha);

    // Numbers
    "atoi" (S) Pure(numbers::atoi);
    "int" (A) Pure(numbers::int);
    "int64" (A) Pure(numbers::int64);
    "float64" (A) Pure(numbers::float64);
    "seq" (; I) Pure(numbers::seq);
    "toDecimal" (A) Pure(numbers::to_decimal);
    "until" (I) Pure(numbers::until);
    "untilStep" (I, I, I) Pure(numbers::until_step);
    "add1" (A) Pure(numbers::add1);
    "add" (; A) Pure(numbers::add);
    "sub" (A, A) Pure(numbers::sub);
    "div" (A, A) Pure(numbers::div);
    "mod" (A, A) Pure(numbers::modulo);
    "mul" (A; A) Pure(numbers::mul);
    "randInt" (I, I) Refused(CHANCE);
    "add1f" (A) Pure(numbers::add1f);
    "addf" (; A) Pure(numbers::addf);
    "subf" (A; A) Pure(numbers::subf);
    "divf" (A; A) Pure(numbers::divf);
    "mulf" (A; A) Pure(numbers::mulf);
    "biggest", "max" (A; A) Pure(numbers::max);
    "min" (A; A) Pure(numbers::min);
    "maxf" (A; A) Pure(numbers::maxf);
    "minf" (A; A) Pure(numbers::minf);
    "ceil" (A) Pure(numbers::ceil);
    "floor" (A) Pure(numbers::floor);
    "round" (A, I; F) Pure(numbers::round);

    // Defaults and reflection
    "default" (A; A) Pure(logic::default);
    "empty" (A) Pure(logic::empty);
    "coalesce" (; A) Pure(logic::coalesce);
    "all" (; A) Pure(logic::all);
    "any" (; A) Pure(logic::any);
    "ternary" (A, A, B) Pure(logic::ternary);
    "typeOf" (A) Pure(logic::type_of);
    "typeIs" (S, A) Pure(logic::type_is);
    "typeIsLike" (S, A) Pure(logic::type_is_like);
    "kindOf" (A) Pure(logic::kind_of);
    "kindIs" (S, A) Pure(logic::kind_is);
    "deepEqual" (A, A) Pure(logic::deep_equal);
    "deepCopy", "mustDeepCopy" (A) Pure(logic::deep_copy);

    // Encoding
    "mustFromJson" (S) Pure(encoding::must_from_json);
    "toPrettyJson" (A) Pure(encoding::to_pretty_json);
    "mustToPrettyJson" (A) Pure(encoding::must_to_pretty_json);
    "toRawJson", "mustToRawJson" (A) Pure(encoding::to_raw_json);
    "b64enc" (S) Pure(encoding::b64enc);
    "b64dec" (S) Pure(encoding::b64dec);
    "b32enc" (S) Pure(encoding::b32enc);
    "b32dec" (S) Pure(encoding::b32dec);

    // Paths and addresses
    "base", "osBase" (S) Pure(paths::base);
    "dir", "osDir" (S) Pure(paths::dir);
    "clean", "osClean" (S) Pure(paths::clean);
    "ext", "osExt" (S) Pure(paths::ext);
    "isAbs", "osIsAbs" (S) Pure(paths::is_abs);
    "urlParse" (S) Pure(urls::parse);
    "urlJoin" (M) Pure(urls::join);

    // Maps
    "dict" (; A) Pure(dicts::dict);
    "get" (M, S) Pure(dicts::get);
    "set" (M, S, A) Pure(dicts::set);
    "unset" (M, S) Pure(dicts::unset);
    "hasKey" (M, S) Pure(dicts::has_key);
    "pluck" (S; M) Pure(dicts::pluck);
    "keys" (; M) Pure(dicts::keys);
    "pick" (M; S) Pure(dicts::pick);
    "omit" (M; S) Pure(dicts::omit);
    "merge", "mustMerge" (M; M) Pure(dicts::merge);
    "mergeOverwrite", "mustMergeOverwrite" (M; M) Pure(dicts::merge_overwrite);
    "values" (M) Pure(dicts::values);
    "dig" (; A) Pure(dicts::dig);

    // Lists
    "list", "tuple" (; A) Pure(lists::list);
    "append", "push", "mustAppend", "mustPush" (A, A) Pure(lists::push);
    "prepend", "mustPrepend" (A, A) Pure(lists::prepend);
    "first", "mustFirst" (A) Pure(lists::first);
    "rest", "mustRest" (A) Pure(lists::rest);
    "last", "mustLast" (A) Pure(lists::last);
    "initial", "mustInitial" (A) Pure(lists::initial);
    "reverse", "mustReverse" (A) Pure(lists::reverse);
    "compact", "mustCompact" (A) Pure(lists::compact);
    "uniq", "mustUniq" (A) Pure(lists::uniq);
    "without", "mustWithout" (A; A) Pure(lists::without);
    "has", "mustHas" (A, A) Pure(lists::has);
    "slice", "mustSlice" (A; A) Pure(lists::slice);
    "concat" (; A) Pure(lists::concat);
    "chunk", "mustChunk" (I, A) Pure(lists::chunk);

    // Cryptography
    "sha1sum" (S) Pure(crypto::sha1sum);
    "sha256sum" (S) Pure(crypto::sha256sum);
    "sha512sum" (S) Pure(crypto::sha512sum);
    "adler32sum" (S) Pure(crypto::adler32sum);
    "bcrypt" (S) Refused(SALT);
    "htpasswd" (S, S) Refused(SALT);
    "genPrivateKey" (S) Refused(CERTIFICATE);
    "derivePassword" (Type::Any, S, S, S, S) Pure(crypto::derive_password);
    "buildCustomCert" (S, S) Pure(crypto::build_custom_cert);
    "genCA" (S, I) Refused(CERTIFICATE);
    "genCAWithKey" (S, I, S) Refused(CERTIFICATE);
    "genSelfSignedCert" (S, Type::List, Type::List, I) Refused(CERTIFICATE);
    "genSelfSignedCertWithKey" (S, Type::List, Type::List, I, S) Refused(CERTIFICATE);
    "genSignedCert" (S, Type::List, Type::List, I, A) Refused(CERTIFICATE);
    "genSignedCertWithKey" (S, Type::List, Type::List, I, A, S) Refused(CERTIFICATE);
    "encryptAES" (S, S) Refused("it begins with chance, so that it gives something else on every run");
    "decryptAES" (S, S) Pure(crypto::decrypt_aes);
    "uuidv4" () Refused(CHANCE);

    // Versions
    "semver" (S) Pure(semver::semver);
    "semverCompare" (S, S) Pure(semver::semver_compare);

    // Regular expressions
    "regexMatch" (S, S) Pure(regexes::matches);
    "mustRegexMatch" (S, S) Pure(regexes::must_match);
    "regexFindAll" (S, S, I) Pure(regexes::find_all);
    "mustRegexFindAll" (S, S, I) Pure(regexes::must_find_all);
    "regexFind" (S, S) Pure(regexes::find);
    "mustRegexFind" (S, S) Pure(regexes::must_find);
    "regexReplaceAll" (S, S, S) Pure(regexes::replace_all);
    "mustRegexReplaceAll" (S, S, S) Pure(regexes::must_replace_all);
    "regexReplaceAllLiteral" (S, S, S) Pure(regexes::replace_all_literal);
    "mustRegexReplaceAllLiteral" (S, S, S) Pure(regexes::must_replace_all_literal);
    "regexSplit" (S, S, I) Pure(regexes::split);
    "mustRegexSplit" (S, S, I) Pure(regexes::must_split);
    "regexQuoteMeta" (S) Pure(regexes::quote_meta);
};
