//! Digests, and what is computed from a password. What needs chance is refused elsewhere.

use aes::Aes256;
use aes::cipher::{BlockDecrypt, KeyInit, generic_array::GenericArray};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use super::{Arguments, Return, encoding, fail, text_of};
use crate::value::{Entries, Value};

fn hexadecimal(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn sha1sum(args: &Arguments<'_>) -> Return {
    Ok(hexadecimal(Sha1::digest(args.bytes(0))).into())
}

pub(super) fn sha256sum(args: &Arguments<'_>) -> Return {
    Ok(hexadecimal(Sha256::digest(args.bytes(0))).into())
}

pub(super) fn sha512sum(args: &Arguments<'_>) -> Return {
    Ok(hexadecimal(Sha512::digest(args.bytes(0))).into())
}

pub(super) fn adler32sum(args: &Arguments<'_>) -> Return {
    let (mut low, mut high) = (1u32, 0u32);
    for byte in args.bytes(0) {
        low = (low + u32::from(*byte)) % 65_521;
        high = (high + low) % 65_521;
    }
    Ok((high << 16 | low).to_string().into())
}

/// The patterns of passwords, by name of kind. Each letter stands for a set of characters.
const PATTERNS: &[(&str, &[&str])] = &[
    ("maximum", &["anoxxxxxxxxxxxxxxxxx", "axxxxxxxxxxxxxxxxxno"]),
    (
        "long",
        &[
            "CvcvnoCvcvCvcv",
            "CvcvCvcvnoCvcv",
            "CvcvCvcvCvcvno",
            "CvccnoCvcvCvcv",
            "CvccCvcvnoCvcv",
            "CvccCvcvCvcvno",
            "CvcvnoCvccCvcv",
            "CvcvCvccnoCvcv",
            "CvcvCvccCvcvno",
            "CvcvnoCvcvCvcc",
            "CvcvCvcvnoCvcc",
            "CvcvCvcvCvccno",
            "CvccnoCvccCvcv",
            "CvccCvccnoCvcv",
            "CvccCvccCvcvno",
            "CvcvnoCvccCvcc",
            "CvcvCvccnoCvcc",
            "CvcvCvccCvccno",
            "CvccnoCvcvCvcc",
            "CvccCvcvnoCvcc",
            "CvccCvcvCvccno",
        ],
    ),
    ("medium", &["CvcnoCvc", "CvcCvcno"]),
    ("short", &["Cvcn"]),
    ("basic", &["aaanaaan", "aannaaan", "aaannaaa"]),
    ("pin", &["nnnn"]),
];

const UPPER_VOWELS: &str = "AEIOU";
const UPPER_CONSONANTS: &str = "BCDFGHJKLMNPQRSTVWXYZ";
const VOWELS: &str = "aeiou";
const CONSONANTS: &str = "bcdfghjklmnpqrstvwxyz";
const DIGITS: &str = "0123456789";

fn characters(letter: char) -> String {
    let letters = [UPPER_VOWELS, VOWELS, UPPER_CONSONANTS, CONSONANTS].concat();
    match letter {
        'V' => UPPER_VOWELS.to_owned(),
        'C' => UPPER_CONSONANTS.to_owned(),
        'v' => VOWELS.to_owned(),
        'c' => CONSONANTS.to_owned(),
        'a' => letters,
        'n' => DIGITS.to_owned(),
        'o' => "@&%?,=[]_:-+*$#!'^~;()/.".to_owned(),
        _ => [&letters, DIGITS, "!@#$%^&*()"].concat(),
    }
}

/// The algorithm of Master Password, which needs no chance.
pub(super) fn derive_password(args: &Arguments<'_>) -> Return {
    let Ok(counter) = u32::try_from(args.int(0)) else {
        return fail("the counter must fit 32 bits without a sign");
    };
    let (kind, password, user, site) = (args.text(1), args.text(2), args.text(3), args.text(4));
    let Some((_, patterns)) = PATTERNS.iter().find(|(name, _)| *name == kind) else {
        return Ok(format!("cannot find password template {kind}").into());
    };
    const SEED: &[u8] = b"com.lyndir.masterpassword";
    let length = |text: &str| u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes();
    let salt = [SEED, &length(user), user.as_bytes()].concat();
    let mut key = [0u8; 64];
    let Ok(parameters) = scrypt::Params::new(15, 8, 2, key.len()) else {
        return fail("failed to derive password");
    };
    if scrypt::scrypt(password.as_bytes(), &salt, &parameters, &mut key).is_err() {
        return fail("failed to derive password");
    }
    let Ok(mut mac) = <Hmac<Sha256> as Mac>::new_from_slice(&key) else {
        return fail("failed to derive password");
    };
    mac.update(&[SEED, &length(site), site.as_bytes(), &counter.to_be_bytes()].concat());
    let seed = mac.finalize().into_bytes();
    let pattern = patterns[usize::from(seed[0]) % patterns.len()];
    let derived: String = pattern
        .chars()
        .zip(seed.iter().skip(1))
        .filter_map(|(letter, byte)| {
            let characters = characters(letter);
            characters.as_bytes().get(usize::from(*byte) % characters.len()).map(|byte| char::from(*byte))
        })
        .collect();
    Ok(derived.into())
}

/// AES in CBC mode, with the initial vector in front.
pub(super) fn decrypt_aes(args: &Arguments<'_>) -> Return {
    let (password, text) = (args.bytes(0), args.text(1));
    if text.is_empty() {
        return Ok("".into());
    }
    let unbroken: String = text.chars().filter(|c| !matches!(c, '\n' | '\r')).collect();
    let Ok(bytes) = STANDARD.decode(unbroken) else {
        return fail(encoding::base64_message(text));
    };
    let mut key = [0u8; 32];
    for (to, from) in key.iter_mut().zip(password) {
        *to = *from;
    }
    if bytes.len() < 32 || bytes.len() % 16 != 0 {
        return fail("crypto/cipher: input not full blocks");
    }
    let cipher = Aes256::new(GenericArray::from_slice(&key));
    let mut clear = Vec::with_capacity(bytes.len());
    for (previous, block) in bytes.chunks(16).zip(bytes.chunks(16).skip(1)) {
        let mut block = *GenericArray::from_slice(block);
        cipher.decrypt_block(&mut block);
        clear.extend(block.iter().zip(previous).map(|(byte, previous)| byte ^ previous));
    }
    let padding = clear.last().map_or(0, |last| usize::from(*last));
    match clear.len().checked_sub(padding) {
        Some(length) => Ok(text_of(&clear[..length]).into()),
        None => fail("runtime error: slice bounds out of range"),
    }
}

/// A certificate and a key that are given, as the functions give them that make new ones. They are looked at no further than the
/// envelope that they come in.
pub(super) fn build_custom_cert(args: &Arguments<'_>) -> Return {
    let decoded = |at: usize, what: &str| match STANDARD.decode(args.text(at).replace(['\n', '\r'], "")) {
        Ok(bytes) => Ok(text_of(&bytes)),
        Err(_) => Err(format!("unable to decode base64 {what}")),
    };
    let (certificate, key) = (decoded(0, "certificate")?, decoded(1, "private key")?);
    if !certificate.contains("-----BEGIN ") {
        return fail("unable to decode certificate");
    }
    if !key.contains("-----BEGIN ") {
        return fail("error parsing private key: no PEM data in input");
    }
    let entries: Entries =
        [("Cert", certificate), ("Key", key)].map(|(name, text)| (name.into(), Value::from(text))).into();
    Ok(entries.into())
}
