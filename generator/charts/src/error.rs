//! What can go wrong: what was asked, of whom, what came back, and what helps.

use std::fmt;

/// Which digest was held against which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DigestOf {
    /// What the repository's index says of the archive, before it is downloaded.
    Index,
    /// The archive that arrived.
    Archive,
    /// The manifest in a registry.
    Manifest,
}

impl fmt::Display for DigestOf {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(match self {
            DigestOf::Index => "the index",
            DigestOf::Archive => "the archive",
            DigestOf::Manifest => "the manifest",
        })
    }
}

/// What kind of thing went wrong. Kinds are stable: programs may go by them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// There is no such repository, chart or version.
    NotFound,
    /// Nobody may have it without a login, or not with this one.
    Unauthorised,
    /// What came is not what was wanted.
    WrongDigest {
        /// What carries the other digest.
        of: DigestOf,
        /// The digest that was wanted.
        expected: Box<str>,
        /// The digest that came.
        found: Box<str>,
    },
    /// Redirects go round in circles, or on and on.
    TooManyRedirects,
    /// A redirect leads to where nothing is fetched from.
    BadRedirect,
    /// The connection ended before everything had come.
    Cut,
    /// Nothing came for too long.
    Timeout,
    /// No connection could be made.
    Unreachable,
    /// The two sides could not agree on a safe connection.
    Tls,
    /// The server is busy, and said so more often than we ask.
    Busy,
    /// The server answered with a status that helps nobody.
    Status(u16),
    /// It is larger than what is taken.
    TooLarge,
    /// It is no gzip archive of files.
    NotAnArchive,
    /// It is an archive of another chart, or of another version.
    OtherChart,
    /// The index, the manifest or an address in it cannot be read.
    Malformed,
    /// A file with logins, or a program that knows them, does not work.
    Credentials,
    /// The cache cannot be read or written.
    Cache,
}

impl Kind {
    /// A word that does not change.
    pub fn code(&self) -> &'static str {
        match self {
            Kind::NotFound => "not-found",
            Kind::Unauthorised => "unauthorised",
            Kind::WrongDigest { .. } => "wrong-digest",
            Kind::TooManyRedirects => "too-many-redirects",
            Kind::BadRedirect => "bad-redirect",
            Kind::Cut => "cut",
            Kind::Timeout => "timeout",
            Kind::Unreachable => "unreachable",
            Kind::Tls => "tls",
            Kind::Busy => "busy",
            Kind::Status(_) => "status",
            Kind::TooLarge => "too-large",
            Kind::NotAnArchive => "not-an-archive",
            Kind::OtherChart => "other-chart",
            Kind::Malformed => "malformed",
            Kind::Credentials => "credentials",
            Kind::Cache => "cache",
        }
    }

    /// What usually helps.
    pub fn remedy(&self) -> &'static str {
        match self {
            Kind::NotFound => "look at the repository's address and at the chart's name and version",
            Kind::Unauthorised => "log in with `helm registry login`, `docker login` or `helm repo add --username`",
            Kind::WrongDigest { of: DigestOf::Manifest, .. } => {
                "somebody pushed another chart under this version: find out why before you trust it"
            }
            Kind::WrongDigest { .. } => {
                "somebody published another archive under this version: find out why before you trust it"
            }
            Kind::TooManyRedirects | Kind::BadRedirect => "name the address that it should lead to",
            Kind::Cut | Kind::Busy => "try again later",
            Kind::Timeout | Kind::Unreachable => {
                "look at the network and at HTTP_PROXY, HTTPS_PROXY and NO_PROXY, then try again"
            }
            Kind::Tls => "let the system trust the server's authority, or name its file in SSL_CERT_FILE",
            Kind::Status(_) => "ask who runs the server",
            Kind::TooLarge => "it is no chart that we would render",
            Kind::NotAnArchive | Kind::OtherChart | Kind::Malformed => "ask who publishes the chart",
            Kind::Credentials => "mend or remove what it names",
            Kind::Cache => "look at the folder's permissions and at the space on its disk",
        }
    }
}

/// Something could not be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchError {
    /// What kind of thing went wrong.
    pub kind: Kind,
    /// What was asked for, such as `cert-manager v1.21.1`.
    pub asked: String,
    /// Of whom: an address without anything secret.
    pub from: String,
    /// What came back, in words.
    pub came: String,
}

impl FetchError {
    pub(crate) fn new(kind: Kind, asked: impl Into<String>, from: impl fmt::Display, came: impl Into<String>) -> Self {
        FetchError { kind, asked: asked.into(), from: from.to_string(), came: came.into() }
    }

    pub(crate) fn wrong_digest(
        of: DigestOf,
        asked: &str,
        from: impl fmt::Display,
        expected: &str,
        found: &str,
    ) -> Self {
        let came = format!("{of} has the digest {found}, and {expected} was wanted");
        let kind = Kind::WrongDigest { of, expected: expected.into(), found: found.into() };
        FetchError::new(kind, asked, from, came)
    }

    /// What helps.
    pub fn remedy(&self) -> &'static str {
        self.kind.remedy()
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{} from {}: {}", self.asked, self.from, self.came)
    }
}

impl std::error::Error for FetchError {}
