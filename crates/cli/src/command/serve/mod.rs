//! `keepstep serve`

mod issuer;
mod messenger;
mod secret_key;

use std::fs;
use std::io::Write as _;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use keepstep_base::human::{parse_period, parse_size, size_text};
use keepstep_base::nearest::nearest;
use keepstep_client::{ServiceClients, is_loopback};
use keepstep_platform::{BackupPlan, Limits, OidcSettings, Platform, Settings};
use keepstep_server::{Tls, TlsError};
use keepstep_store::Store;
use keepstep_store::artifacts::Objects;
use serde_json::json;
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;
use url::Url;

use super::{CommandResult, Outcome};
use crate::command::admin::make_link;
use crate::session::connection::connecting;
use crate::session::context::{Context, VARIABLES};
use crate::session::memory::take_small_pages;
use crate::session::platform_data::{DataArguments, FileArguments, alone};
use crate::shell::failure::Failure;
use crate::shell::interrupt;
use crate::shell::printer::{Label, Text};
use crate::shell::request_log;
use crate::shell::visible::visible_line;

/// The arguments.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  keepstep serve    on this machine, data in the user's data folder\n  keepstep serve --data /srv/keepstep --public-url https://keepstep.example\n  keepstep serve --listen 0.0.0.0:443 --tls-cert tls.crt --tls-key tls.key\n  keepstep serve --data /srv/keepstep --backup-dir /mnt/backups --backup-every 12h\n  keepstep serve --oidc-issuer https://accounts.example --oidc-client-id keepstep"
)]
pub(crate) struct Arguments {
    /// Where to listen; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4747", value_parser = address)]
    listen: SocketAddr,
    #[command(flatten)]
    data: DataArguments,
    #[command(flatten)]
    files: FileArguments,
    /// The address under which browsers reach the server, when a proxy stands before it or a certificate names it
    #[arg(long, value_name = "URL", value_parser = public_url)]
    public_url: Option<String>,
    /// Serve HTTPS with the certificate in this PEM file, and those that signed it after it; read again when it changes
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The PEM file with the private key of that certificate
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Answer /api/openapi.json only to a key of any role, as /metrics is answered to other machines
    #[arg(long)]
    close_openapi: bool,
    /// Allow plain HTTP on an address that other machines can reach, where the network between them is private
    #[arg(long, conflicts_with = "tls_cert")]
    plain_http: bool,
    /// The largest upload, and the largest single file in one
    #[arg(long, value_name = "SIZE", default_value = "64GiB", value_parser = parse_size)]
    upload_limit: u64,
    /// Make backups of everything in a folder, which must exist, while the server runs
    #[arg(long, value_name = "DIR")]
    backup_dir: Option<PathBuf>,
    /// How old the newest of these becomes before the next one is made
    #[arg(long, value_name = "PERIOD", default_value = "1d", requires = "backup_dir", value_parser = backup_period)]
    backup_every: Duration,
    /// How many of them are kept; the oldest are deleted
    #[arg(long, value_name = "N", default_value_t = 7, requires = "backup_dir", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    backup_keep: u32,
    /// How many connections there may be at a time; where all are taken, the one that has been idle for longest is closed
    #[arg(long, value_name = "N", default_value_t = 4096, value_parser = clap::value_parser!(u32).range(1..))]
    connections: u32,
    /// How many of them one address may have; 256, or any number with --public-url and no certificate: then all have the proxy's address
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    connections_per_address: Option<u32>,
    /// How many requests each key and each person may make in a minute, also at once; any number when left out
    #[arg(long, value_name = "N")]
    requests_per_minute: Option<NonZeroU32>,
    /// The issuer of an OpenID Connect provider that people sign in with, beside passwords; the client's secret is read from
    /// KEEPSTEP_OIDC_CLIENT_SECRET
    #[arg(long, value_name = "URL", requires = "oidc_client_id", value_parser = issuer)]
    oidc_issuer: Option<String>,
    /// The id of this server at that provider
    #[arg(long, value_name = "ID", requires = "oidc_issuer")]
    oidc_client_id: Option<String>,
}

/// The shortest time between two backups.
const SHORTEST_BACKUP_PERIOD: Duration = Duration::from_secs(60);

/// The variable with the secret of this server at its identity provider.
const OIDC_SECRET: &str = "KEEPSTEP_OIDC_CLIENT_SECRET";

/// Reads an address and a port; a name is looked up.
fn address(text: &str) -> Result<SocketAddr, String> {
    let wanted = "write an address and a port: 127.0.0.1:4747";
    let mut addresses = text.to_socket_addrs().map_err(|_| wanted.to_owned())?;
    addresses.next().ok_or_else(|| wanted.to_owned())
}

/// Reads how often backups are made.
fn backup_period(text: &str) -> Result<Duration, String> {
    let period = parse_period(text)?;
    if period < SHORTEST_BACKUP_PERIOD { Err("write at least 1m".to_owned()) } else { Ok(period) }
}

/// Returns which backups the server makes by itself. A folder that is not there is most likely on a disk that is not mounted.
fn backups(context: &Context, arguments: &Arguments) -> Result<Option<BackupPlan>, Failure> {
    let Some(folder) = &arguments.backup_dir else { return Ok(None) };
    let folder = context.directory.join(folder);
    if !folder.is_dir() {
        return Err(Failure::NotFound {
            message: format!("no folder {} for backups", folder.display()),
            hint: Some("create it, or mount the disk that it is on; keepstep does not create it".to_owned()),
        });
    }
    let keep = usize::try_from(arguments.backup_keep).unwrap_or(usize::MAX);
    Ok(Some(BackupPlan { folder, every: arguments.backup_every, keep }))
}

/// Reads the address of a web page, without a slash at its end, and in the small letters that the scheme and the host have.
fn public_url(text: &str) -> Result<String, String> {
    let is_good = |url: &Url| {
        matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    };
    let url = Url::parse(text).ok().filter(is_good).ok_or("write it as https://keepstep.example.com")?;
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// Reads the address of an issuer. What is secret goes there, so it is encrypted or does not leave the machine.
fn issuer(text: &str) -> Result<String, String> {
    let Ok(url) = Url::parse(text) else { return Err("write it as https://accounts.example.com".to_owned()) };
    let is_plain = url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
    match (is_plain, is_safe) {
        (true, true) => Ok(text.to_owned()),
        (true, false) => Err("an issuer has an address of https, unless it is on this machine".to_owned()),
        (false, _) => Err("write it as https://accounts.example.com".to_owned()),
    }
}

/// Names the variables that look as if they were for us and are not: a secret under a wrong name would be missed much later.
fn warn_of_unknown_variables(context: &Context) {
    const PREFIX: &str = "KEEPSTEP_";
    let rest_of = |name: &'static str| name.strip_prefix(PREFIX).unwrap_or(name);
    for name in context.environment.all().keys().filter(|name| !VARIABLES.contains(&name.as_str())) {
        let Some(rest) = name.strip_prefix(PREFIX) else { continue };
        let meant = nearest(rest, VARIABLES.into_iter().map(rest_of));
        let meant = meant.map_or_else(String::new, |near| format!("; did you mean {PREFIX}{near}?"));
        context.printer.warning(&format!("keepstep does not read the variable {}{meant}", visible_line(name)));
    }
}

/// Fails where keys and passwords would go over a network as they are.
fn refuse_plain_http(arguments: &Arguments) -> Result<(), Failure> {
    let is_encrypted =
        arguments.tls_cert.is_some() || arguments.public_url.as_deref().is_some_and(|url| url.starts_with("https:"));
    if is_encrypted || arguments.plain_http || arguments.listen.ip().to_canonical().is_loopback() {
        return Ok(());
    }
    let port = arguments.listen.port();
    Err(Failure::Usage {
        message: format!("other machines can reach {}, and keys and passwords would go there unencrypted", arguments.listen),
        hint: Some(format!(
            "name a certificate with `--tls-cert` and `--tls-key`, or the address of a proxy that encrypts with `--public-url`; `--plain-http` allows it where the network is private, and `--listen 127.0.0.1:{port}` serves this machine only"
        )),
    })
}

/// Returns the certificate that the arguments name.
fn tls(context: &Context, arguments: &Arguments) -> Result<Option<Tls>, Failure> {
    let Some((certificate, key)) = arguments.tls_cert.as_ref().zip(arguments.tls_key.as_ref()) else { return Ok(None) };
    if arguments.public_url.as_deref().is_some_and(|url| url.starts_with("http:")) {
        let message = "with a certificate the server speaks HTTPS, and its public URL begins with http://".to_owned();
        return Err(Failure::Usage { message, hint: Some("write it with https://".to_owned()) });
    }
    let (certificate, key) = (context.directory.join(certificate), context.directory.join(key));
    let tls = Tls::from_files(&certificate, &key).map_err(|error| match error {
        TlsError::Unreadable { file, error } => Failure::io("read", &file.display().to_string(), error),
        error @ TlsError::Invalid { .. } => Failure::Usage { message: error.to_string(), hint: None },
    })?;
    #[cfg(unix)]
    if fs::metadata(&key).is_ok_and(|key| std::os::unix::fs::PermissionsExt::mode(&key.permissions()) & 0o004 != 0) {
        context
            .printer
            .warning(&format!("everyone on this machine can read the private key {}; run `chmod 600` on it", key.display()));
    }
    Ok(Some(tls))
}

/// Returns the identity provider that the arguments name.
fn oidc(context: &Context, arguments: &Arguments) -> Option<OidcSettings> {
    let (issuer, client_id) = (arguments.oidc_issuer.clone()?, arguments.oidc_client_id.clone()?);
    let secret = context.environment.get(OIDC_SECRET).filter(|secret| !secret.is_empty());
    let clients = ServiceClients::new(connecting::options(context));
    Some(OidcSettings {
        issuer,
        client_id,
        client_secret: secret.map(|secret| secret.to_owned().into()),
        connection: Arc::new(issuer::Network(clients)),
    })
}

/// Serves until a signal asks to end.
pub(crate) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    give_memory_back_soon();
    take_small_pages();
    let objects = arguments.files.folder(context, &arguments.data)?;
    let logs_requests = start_log(context)?;
    refuse_plain_http(arguments)?;
    warn_of_unknown_variables(context);
    let tls = tls(context, arguments)?;
    let limits = limits(context, arguments);
    let backups = backups(context, arguments)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(keepstep_platform::workers())
        // What these do waits for the disk. Each has a stack and a heap of its own, and many at once would do nothing sooner.
        .max_blocking_threads(16)
        .enable_all()
        .build()
        .map_err(|error| Failure::io("start", "the server", error))?;
    runtime.block_on(async {
        let store = arguments.data.open(context).await?;
        let folder = arguments.data.folder(context)?;
        // Beside the database, so that all who serve it have the same.
        let database = arguments.data.path(context)?;
        let secret_key = secret_key::find(context, database.parent().unwrap_or(&folder), &store)?;
        let _lock = lock(context, &folder);
        let listener = TcpListener::bind(arguments.listen).await.map_err(|error| match error.kind() {
            std::io::ErrorKind::AddrInUse => Failure::Usage {
                message: format!("something else listens on {} already", arguments.listen),
                hint: Some("choose another port with `--listen`; port 0 takes any free one".to_owned()),
            },
            _ => Failure::io("listen on", &arguments.listen.to_string(), error),
        })?;
        let address = listener.local_addr().map_err(|error| Failure::io("listen on", &arguments.listen.to_string(), error))?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let shown = arguments.public_url.clone().unwrap_or_else(|| format!("{scheme}://{address}"));
        // Whoever reads the address may ask to end at once.
        let signals = Signals::listen()?;
        announce(context, arguments, &store, &shown).await?;
        let settings = Settings {
            public_url: arguments.public_url.clone(),
            objects: Some(Objects::in_folder(&objects)?),
            upload_limit: Some(arguments.upload_limit),
            scratch: Some(objects),
            limits,
            secret_key,
            requests_per_minute: arguments.requests_per_minute,
            backups,
            messenger: Some(Arc::new(messenger::Network(ServiceClients::new(connecting::options(context))))),
            oidc: oidc(context, arguments),
            is_description_closed: arguments.close_openapi,
            request_log: if logs_requests { Some(request_log::to_stderr()?) } else { None },
            ..Settings::default()
        };
        let served = keepstep_server::serve(listener, tls, store, settings, keepstep_dashboard::pages, signals.wait()).await;
        served.map_err(|error| Failure::io("serve on", &shown, error))?;
        context.printer.status("keepstep ended");
        Ok(Outcome::Done)
    })
}

/// Has the allocator give back what has been free for 10 ms, where a command that ends soon would rather keep it for a second.
#[expect(unsafe_code, reason = "the allocator has no other door to its options once the process runs")]
fn give_memory_back_soon() {
    /// `mi_option_purge_delay`, which the bindings leave out.
    const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;
    // SAFETY: it takes two numbers, of which the first is an option that there is, and may be called at any time.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, 10) };
}

/// Returns how many connections there may be, after asking the system for as many files as it gives.
fn limits(context: &Context, arguments: &Arguments) -> Limits {
    let mut connections = usize::try_from(arguments.connections).unwrap_or(usize::MAX);
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        /// What the database, the files of uploads and the log need beside the connections.
        const OTHERS: u64 = 256;
        let needed = u64::from(arguments.connections) + OTHERS;
        let now = getrlimit(Resource::Nofile);
        let wanted = now.maximum.unwrap_or(u64::MAX).min(needed.max(now.current.unwrap_or(u64::MAX)));
        let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: now.maximum });
        let files = if raised.is_ok() { Some(wanted) } else { now.current };
        if let Some(files) = files
            && files < needed
        {
            let most = files.saturating_sub(OTHERS.min(files / 2)).max(1);
            connections = usize::try_from(most).unwrap_or(connections);
            context.printer.warning(&format!(
                "the system allows this process {files} open files, so there can be {connections} connections; `ulimit -n {needed}` allows more"
            ));
        }
    }
    let is_behind_proxy = arguments.public_url.is_some() && arguments.tls_cert.is_none();
    let per_address = match arguments.connections_per_address {
        Some(most) => usize::try_from(most).ok(),
        None if is_behind_proxy => None,
        None => Limits::default().per_address,
    };
    Limits { connections, per_address, ..Limits::default() }
}

/// Takes the folder for this server, or says that another one has it: both can work on it, but hardly anybody means that.
fn lock(context: &Context, folder: &Path) -> Option<fs::File> {
    let path = folder.join("serve.lock");
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&path).ok()?;
    match file.try_lock() {
        Ok(()) => {
            // Who it is only helps whoever finds it locked.
            let _ = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
            Some(file)
        }
        Err(fs::TryLockError::WouldBlock) => {
            let other = fs::read_to_string(&path).unwrap_or_default();
            let other = other.trim().parse::<u32>().map(|id| format!(" (process {id})")).unwrap_or_default();
            context.printer.warning(&format!(
                "another `keepstep serve`{other} uses {} already; both work on the same data, and live updates take up to a second",
                folder.display()
            ));
            None
        }
        Err(fs::TryLockError::Error(_)) => None,
    }
}

/// Says where the server is, and, as long as nobody can sign in, how to.
async fn announce(context: &Context, arguments: &Arguments, store: &Store, shown: &str) -> Result<(), Failure> {
    let platform = alone(store.clone());
    let printer = &context.printer;
    if let Err(error) = platform.keep_address(shown).await {
        let message = Failure::from(error).text(context.program).message;
        printer.warning(&format!("the address is not kept for `{}`: {message}", context.typed("admin owner-link")));
    }
    let database = arguments.data.path(context)?;
    let folder = database.parent().unwrap_or(&database);
    let size = size_text(size_of(folder));
    let line = Text::of(Label::Heading, format!("keepstep {}", env!("CARGO_PKG_VERSION")))
        .and(Label::Plain, "   ")
        .and(Label::Command, shown)
        .and(Label::Plain, format!("   data {} ({size})", folder.display()));
    let end = if printer.is_read_by_a_person() { "   Ctrl-C ends it" } else { "" };
    printer.answer(line.and(Label::Hint, end));
    let link = if store.has_users().await? { None } else { link_or_warning(context, &platform, shown).await };
    if let Some(link) = &link {
        printer.answer("No sign-in yet. The owner opens this once, within a day:");
        printer.answer(Text::of(Label::Command, link.as_str()));
        let data = arguments.data.as_typed();
        printer.answer(
            Text::from("A key for the command line:  ")
                .and(Label::Command, context.typed(&format!("admin key create{data} --name me"))),
        );
    }
    printer.document("serve", json!({ "url": shown, "link": link, "data": folder }));
    Ok(())
}

/// Returns the link by which the first owner signs in. A server that cannot write it can still be read.
async fn link_or_warning(context: &Context, platform: &Platform, shown: &str) -> Option<String> {
    match make_link(platform, shown).await {
        Ok(link) => Some(link),
        Err(failure) => {
            let message = failure.text(context.program).message;
            context.printer.warning(&format!("the sign-in link is not created: {message}"));
            None
        }
    }
}

/// Returns how large the files in a folder are together, without those in folders below.
fn size_of(folder: &Path) -> u64 {
    let files = fs::read_dir(folder).into_iter().flatten().filter_map(|entry| entry.ok()?.metadata().ok());
    files.filter(fs::Metadata::is_file).map(|file| file.len()).sum()
}

/// Sends the log to stderr, as much of it as `KEEPSTEP_LOG` says. Returns true if that is so much that every request is in it.
fn start_log(context: &Context) -> Result<bool, Failure> {
    const VARIABLE: &str = "KEEPSTEP_LOG";
    let filter = context.environment.get(VARIABLE).unwrap_or("info");
    let filter = EnvFilter::try_new(filter).map_err(|error| Failure::usage(format!("{VARIABLE} is {filter:?}: {error}")))?;
    let logs_requests = filter.max_level_hint().is_none_or(|level| level >= tracing::level_filters::LevelFilter::INFO);
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(context.printer.is_colored())
        .finish();
    // There is one already only if the demo runs two platforms in one process; then that one is right.
    let _ = tracing::subscriber::set_global_default(subscriber);
    Ok(logs_requests)
}

/// The signals that ask a server to end.
#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    _pause: interrupt::Pause,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> Result<Self, Failure> {
        use tokio::signal::unix::{SignalKind, signal};
        let listen = |kind| signal(kind).map_err(|error| Failure::io("listen for", "signals", error));
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            _pause: interrupt::pause(),
        })
    }

    async fn wait(mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals {
    _pause: interrupt::Pause,
}

#[cfg(not(unix))]
impl Signals {
    fn listen() -> Result<Self, Failure> {
        Ok(Self { _pause: interrupt::pause() })
    }

    async fn wait(self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_be_listened_on() {
        assert!(address("localhost:4747").is_ok_and(|address| address.ip().is_loopback() && address.port() == 4747));
        assert!(address("[::1]:0").is_ok());
        for text in ["", "4747", "127.0.0.1", "127.0.0.1:70000"] {
            assert!(address(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_issuer_is_asked_over_https_or_on_this_machine() {
        for good in ["https://accounts.example", "https://x.example/realms/team/", "http://127.0.0.1:3000", "http://localhost/a"]
        {
            assert_eq!(issuer(good).as_deref(), Ok(good));
        }
        for bad in
            ["accounts.example", "http://accounts.example", "https://a:b@x.example", "https://x.example?a", "ftp://127.0.0.1", ""]
        {
            assert!(issuer(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_address_for_browsers_has_no_slash_at_its_end() {
        assert_eq!(public_url("https://x.example/prefix/").as_deref(), Ok("https://x.example/prefix"));
        assert_eq!(public_url("HTTPS://X.example:8443/Prefix").as_deref(), Ok("https://x.example:8443/Prefix"));
    }
}
