//! The key that encrypts secrets in the database: a file beside it, or a variable where several servers share a database.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use keepstep_base::whole_file::{Policy, WholeFile};
use keepstep_platform::SecretKey;
use keepstep_store::Store;

use crate::session::context::Context;
use crate::session::platform_data::SECRET_KEY;
use crate::shell::failure::Failure;

/// The variable.
const VARIABLE: &str = "KEEPSTEP_SECRET_KEY";

/// Returns the key, and makes one where there is none. Without one, secrets stay as they are: where a disk takes no small file, a server goes
/// on reading.
pub(super) fn find(context: &Context, folder: &Path, store: &Store) -> Result<Option<SecretKey>, Failure> {
    let not_a_key = |what: String| Failure::Usage {
        message: format!("{what} is not a key: it has the base64 of 32 random bytes"),
        hint: Some(
            "`openssl rand -base64 32` makes one; with another key than before, webhooks must be created again".to_owned(),
        ),
    };
    if let Some(text) = context.environment.get(VARIABLE) {
        return SecretKey::from_text(text).map(Some).ok_or_else(|| not_a_key(VARIABLE.to_owned()));
    }
    let path = folder.join(SECRET_KEY);
    let read = || match fs::read_to_string(&path) {
        Ok(text) => SecretKey::from_text(&text).map(Some).ok_or_else(|| not_a_key(path.display().to_string())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::io("read", &path.display().to_string(), error)),
    };
    if let Some(key) = read()? {
        return Ok(Some(key));
    }
    let key = SecretKey::new(store.surroundings().random()?);
    match write(&path, &key) {
        // Of two servers that make one at the same time, the first one counts.
        Ok(()) => read(),
        Err(error) => {
            context.printer.warning(&format!("cannot create {}: {error}; secrets of webhooks are not encrypted", path.display()));
            Ok(None)
        }
    }
}

fn write(path: &Path, key: &SecretKey) -> std::io::Result<()> {
    let mut file = WholeFile::begin(path, Policy::Private)?;
    writeln!(file, "{}", key.to_text())?;
    file.put_new().map(drop)
}
