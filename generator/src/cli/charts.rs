//! `kubezero charts`: the lock, the cache and the network. Nothing else in the program goes to the network but the user's own `git`.

mod fetch;
mod list;
mod moved;
mod named;
mod network;
mod update;
mod vendor;
mod verify;

use clap::{Args, Subcommand};

use super::plan::TextOrJson;
use super::{Global, Outcome};
use crate::Result;

/// Fetch the charts that components name, and keep the lock that says which archives these are
#[derive(Debug, Args)]
pub struct ChartsArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Bring every chart into the cache, and write what it is into components/charts.lock
    ///
    /// A digest that the lock has is what must come; one that it has not is filled in, and that is said. Logins are those of Helm and
    /// Docker, proxies those of HTTPS_PROXY, HTTP_PROXY and NO_PROXY.
    Fetch,
    /// Hold the lock against what components name and against the archives at hand; asks nobody
    Verify {
        /// Look at the lock only: no archive has to be at hand
        #[arg(long)]
        lock_only: bool,
    },
    /// List the charts: version, digest, whether the archive is at hand, and who uses it
    List {
        /// How they are shown
        #[arg(long, value_name = "FORMAT", default_value = "text", hide_default_value = true)]
        format: TextOrJson,
    },
    /// Copy every archive into components/vendor, where it is committed and found before the cache
    Vendor,
    /// Say which newer versions there are and what they change, and write them where that is asked for
    ///
    /// Nothing is written without --write: the review is that of `diff`, from the work tree to the work tree with the new versions.
    Update {
        /// Components; all where none is named
        #[arg(value_name = "COMPONENT")]
        components: Vec<String>,
        /// A version, or a range of which the newest is taken, such as `~1.21`; without it the newest that is no pre-release
        #[arg(long, value_name = "VERSION|RANGE")]
        to: Option<String>,
        /// Write the versions into component.yaml, and the lock
        #[arg(long)]
        write: bool,
    },
}

/// Runs the command.
pub fn run(global: &Global, args: &ChartsArgs) -> Result<Outcome> {
    match &args.what {
        What::Fetch => fetch::run(global),
        What::Verify { lock_only } => verify::run(global, *lock_only),
        What::List { format } => list::run(global, *format),
        What::Vendor => vendor::run(global),
        What::Update { components, to, write } => update::run(global, components, to.as_deref(), *write),
    }
}
