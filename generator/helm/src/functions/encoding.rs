//! Values as text in YAML, JSON, TOML, and text in other alphabets.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::json::{self, Layout};
use super::{Arguments, Return, fail, text_of, toml};
use crate::value::{Entries, Value};
use crate::yaml;

const COMPACT: Layout = Layout { html: true, pretty: false };
const PRETTY: Layout = Layout { html: true, pretty: true };
const RAW: Layout = Layout { html: false, pretty: false };

fn without_break(text: String) -> Value {
    text.strip_suffix('\n').map(Value::from).unwrap_or_else(|| text.into())
}

/// Where a mistake is swallowed, nothing is written.
fn or_nothing(text: Result<String, String>) -> Return {
    Ok(text.map(without_break).unwrap_or_else(|_| "".into()))
}

fn or_fail(text: Result<String, String>) -> Return {
    text.map(without_break).or_else(fail)
}

pub(super) fn to_yaml(args: &Arguments<'_>) -> Return {
    or_nothing(yaml::marshal(args.any(0)))
}

pub(super) fn must_to_yaml(args: &Arguments<'_>) -> Return {
    or_fail(yaml::marshal(args.any(0)).map_err(|error| format!("error marshaling into JSON: {error}")))
}

pub(super) fn to_yaml_pretty(args: &Arguments<'_>) -> Return {
    or_nothing(yaml::marshal_pretty(args.any(0)))
}

/// What Helm makes of a text that is not what it should be.
fn error_map(message: String) -> Value {
    Value::map([("Error", message)])
}

fn error_list(message: String) -> Value {
    Value::from(vec![Value::from(message)])
}

fn unfit(value: &Value, wanted: &str) -> String {
    format!("json: cannot unmarshal {} into Go value of type {wanted}", json::kind(value))
}

const MAP: &str = "map[string]interface {}";
const LIST: &str = "[]interface {}";
const DECODING: &str = "error unmarshaling JSON: while decoding JSON: ";

pub(super) fn from_yaml(args: &Arguments<'_>) -> Return {
    Ok(match yaml::unmarshal(args.text(0)) {
        Ok(map @ Value::Map(_)) => map,
        Ok(Value::Nil) => Entries::new().into(),
        Ok(value) => error_map(format!("{DECODING}{}", unfit(&value, MAP))),
        Err(error) => error_map(error),
    })
}

pub(super) fn from_yaml_array(args: &Arguments<'_>) -> Return {
    Ok(match yaml::unmarshal(args.text(0)) {
        Ok(list @ Value::List(_)) => list,
        Ok(Value::Nil) => Vec::new().into(),
        Ok(value) => error_list(format!("{DECODING}{}", unfit(&value, LIST))),
        Err(error) => error_list(error),
    })
}

pub(super) fn to_json(args: &Arguments<'_>) -> Return {
    Ok(json::write(args.any(0), COMPACT).unwrap_or_default().into())
}

pub(super) fn must_to_json(args: &Arguments<'_>) -> Return {
    json::write(args.any(0), COMPACT).map(Value::from).or_else(fail)
}

pub(super) fn to_pretty_json(args: &Arguments<'_>) -> Return {
    Ok(json::write(args.any(0), PRETTY).unwrap_or_default().into())
}

pub(super) fn must_to_pretty_json(args: &Arguments<'_>) -> Return {
    json::write(args.any(0), PRETTY).map(Value::from).or_else(fail)
}

pub(super) fn to_raw_json(args: &Arguments<'_>) -> Return {
    json::write(args.any(0), RAW).map(Value::from).or_else(fail)
}

pub(super) fn from_json(args: &Arguments<'_>) -> Return {
    Ok(match json::read(args.text(0)) {
        Ok(map @ Value::Map(_)) => map,
        Ok(Value::Nil) => Entries::new().into(),
        Ok(value) => error_map(unfit(&value, MAP)),
        Err(error) => error_map(error),
    })
}

pub(super) fn from_json_array(args: &Arguments<'_>) -> Return {
    Ok(match json::read(args.text(0)) {
        Ok(list @ Value::List(_)) => list,
        Ok(Value::Nil) => Vec::new().into(),
        Ok(value) => error_list(unfit(&value, LIST)),
        Err(error) => error_list(error),
    })
}

pub(super) fn must_from_json(args: &Arguments<'_>) -> Return {
    json::read(args.text(0)).or_else(fail)
}

pub(super) fn to_toml(args: &Arguments<'_>) -> Return {
    if *args.any(0) == Value::Nil {
        return fail(toml::NIL);
    }
    Ok(toml::write(args.any(0)).unwrap_or_else(|error| error).into())
}

pub(super) fn must_to_toml(args: &Arguments<'_>) -> Return {
    if *args.any(0) == Value::Nil {
        return fail(toml::NIL);
    }
    toml::write(args.any(0)).map(Value::from).or_else(fail)
}

pub(super) fn from_toml(args: &Arguments<'_>) -> Return {
    Ok(toml::read(args.text(0)).unwrap_or_else(error_map))
}

pub(super) fn b64enc(args: &Arguments<'_>) -> Return {
    Ok(STANDARD.encode(args.bytes(0)).into())
}

/// Where Go stops reading base 64: the first byte that it does not take. Line breaks do not count.
fn base64_mistake(text: &str) -> usize {
    let mut at = 0;
    let bytes = text.as_bytes();
    let mut in_quantum = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\n' | b'\r' => {}
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' => in_quantum = (in_quantum + 1) % 4,
            b'=' if in_quantum >= 2 => {
                let rest: Vec<(usize, u8)> = bytes
                    .iter()
                    .copied()
                    .enumerate()
                    .skip(at + 1)
                    .filter(|(_, b)| !matches!(b, b'\n' | b'\r'))
                    .collect();
                let mut rest = rest.into_iter();
                if in_quantum == 2 {
                    match rest.next() {
                        None => return bytes.len(),
                        Some((_, b'=')) => {}
                        Some((at, _)) => return at,
                    }
                }
                return rest.next().map_or(bytes.len(), |(at, _)| at);
            }
            _ => return at,
        }
        at += 1;
    }
    bytes.len().saturating_sub(in_quantum)
}

/// Go's message for what is no base 64.
pub(super) fn base64_message(text: &str) -> String {
    format!("illegal base64 data at input byte {}", base64_mistake(text))
}

pub(super) fn b64dec(args: &Arguments<'_>) -> Return {
    let text = args.text(0);
    let config = base64::engine::GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);
    let engine = base64::engine::GeneralPurpose::new(&base64::alphabet::STANDARD, config);
    let unbroken: String = text.chars().filter(|c| !matches!(c, '\n' | '\r')).collect();
    Ok(match engine.decode(&unbroken) {
        Ok(bytes) => text_of(&bytes).into(),
        Err(_) => base64_message(text).into(),
    })
}

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

pub(super) fn b32enc(args: &Arguments<'_>) -> Return {
    let mut encoded = String::new();
    for chunk in args.bytes(0).chunks(5) {
        let mut block = [0u8; 8];
        block[3..3 + chunk.len()].copy_from_slice(chunk);
        let bits = u64::from_be_bytes(block);
        let letters = (chunk.len() * 8).div_ceil(5);
        for at in 0..8 {
            let letter = BASE32[(bits >> (35 - 5 * at) & 31) as usize];
            encoded.push(if at < letters { char::from(letter) } else { '=' });
        }
    }
    Ok(encoded.into())
}

pub(super) fn b32dec(args: &Arguments<'_>) -> Return {
    let text: Vec<u8> = args.text(0).bytes().filter(|byte| !matches!(byte, b'\n' | b'\r')).collect();
    let mistake = |at: usize| Ok(format!("illegal base32 data at input byte {at}").into());
    let mut decoded = Vec::new();
    for (number, chunk) in text.chunks(8).enumerate() {
        let letters = chunk.iter().take_while(|byte| **byte != b'=').count();
        let mut bits = 0u64;
        for (at, byte) in chunk[..letters].iter().enumerate() {
            let Some(value) = BASE32.iter().position(|letter| letter == byte) else {
                return mistake(number * 8 + at);
            };
            bits |= (value as u64) << (35 - 5 * at);
        }
        let last = (number + 1) * 8 >= text.len();
        if chunk.len() < 8 {
            return mistake(number * 8);
        }
        if !matches!(letters, 2 | 4 | 5 | 7 | 8) || chunk[letters..].iter().any(|byte| *byte != b'=') {
            return mistake(number * 8 + letters);
        }
        decoded.extend(&bits.to_be_bytes()[3..3 + letters * 5 / 8]);
        if letters < 8 && !last {
            return mistake((number + 1) * 8);
        }
    }
    Ok(text_of(&decoded).into())
}
