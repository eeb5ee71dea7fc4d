//! What `serve` was told of applications, for the server of applications.

use super::option_value::OptionValue;
use super::settings::{read_tls, SettingsError};
use crate::protocol::Secret;
use crate::server::{Limits, Place, Settings};

type Result<T> = std::result::Result<T, SettingsError>;

/// Reads the section `server` of the argument of `Engine.start`.
pub(super) fn read_server(section: &OptionValue<'_>) -> Result<Settings> {
    let mut settings = Settings::default();
    for option in section.entries()? {
        match option.key() {
            "listen" => {
                settings.listen = option
                    .elements()?
                    .iter()
                    .map(read_place)
                    .collect::<Result<_>>()?;
            }
            "secrets" => settings.secrets = read_secrets(&option)?,
            "tls" => settings.tls = read_tls(&option)?,
            "adopt" => settings.adopt = option.milliseconds()?,
            "limits" => read_limits(&option, &mut settings.limits)?,
            _ => option.unknown()?,
        }
    }
    Ok(settings)
}

/// Reads an array of secrets.
pub(super) fn read_secrets(option: &OptionValue<'_>) -> Result<Vec<Secret>> {
    Ok(option.texts()?.into_iter().map(Secret::new).collect())
}

fn read_place(section: &OptionValue<'_>) -> Result<Place> {
    let mut place = Place {
        host: String::new(),
        port: 0,
        secure: false,
    };
    for option in section.entries()? {
        match option.key() {
            "host" => place.host = option.text()?,
            "port" => {
                let port = u16::try_from(option.count()?);
                place.port = port.map_err(|_| option.wrong("a port"))?;
            }
            "secure" => place.secure = option.flag()?,
            _ => option.unknown()?,
        }
    }
    Ok(place)
}

fn read_limits(section: &OptionValue<'_>, limits: &mut Limits) -> Result<()> {
    for option in section.entries()? {
        match option.key() {
            "connections" => limits.connections = option.count()?,
            "unauthenticated" => limits.unauthenticated = option.count()?,
            "authenticationTimeout" => limits.authentication = option.milliseconds()?,
            "connectTimeout" => limits.connect = option.milliseconds()?,
            "writeTimeout" => limits.stall = option.milliseconds()?,
            "queuedBytes" => limits.queued_bytes = option.count()?,
            "keepAliveInterval" => {
                limits.keep_alive = Some(option.milliseconds()?).filter(|time| !time.is_zero());
            }
            "commands" => limits.commands = option.count()?,
            _ => option.unknown()?,
        }
    }
    Ok(())
}
