//! What `connect` was told of what is to be shown of an engine (`lib/observe_options.js`).

use super::option_value::OptionValue;
use super::settings::Result;
use crate::observe::{
    FileSettings, HepSettings, HepVersion, LogFormat, LogSettings, Observe, SyslogSettings,
};

/// Where a collector of lines listens, unless it is said.
const SYSLOG_PORT: u16 = 514;

/// Where a capture server listens, unless it is said.
const HEP_PORT: u16 = 9060;

pub(super) fn read_observe(section: &OptionValue<'_>) -> Result<Observe> {
    let mut observe = Observe::default();
    for option in section.entries()? {
        match option.key() {
            // Where the numbers are asked for is JavaScript's matter; here they are counted.
            "metrics" => observe.counts = true,
            "log" => observe.log = Some(read_log(&option)?),
            "hep" => observe.hep = Some(read_hep(&option)?),
            "pcap" => observe.pcap = Some(read_file(&option)?),
            "cdr" => observe.cdr = Some(read_file(&option)?),
            _ => option.unknown()?,
        }
    }
    Ok(observe)
}

fn read_log(section: &OptionValue<'_>) -> Result<LogSettings> {
    let mut log = LogSettings::default();
    let mut console = None;
    for option in section.entries()? {
        match option.key() {
            "level" => log.level = option.parsed("the name of a level")?,
            "format" => {
                log.format = match option.text()?.as_str() {
                    "json" => LogFormat::Json,
                    "text" => LogFormat::Text,
                    _ => return Err(option.wrong("'text' or 'json'").into()),
                }
            }
            "messages" => log.messages = option.flag()?,
            "console" => console = Some(option.flag()?),
            "file" => log.file = Some(read_file(&option)?),
            "syslog" => log.syslog = Some(read_syslog(&option)?),
            _ => option.unknown()?,
        }
    }
    // A log that goes nowhere is none.
    log.console = console.unwrap_or(log.file.is_none() && log.syslog.is_none());
    Ok(log)
}

fn read_file(section: &OptionValue<'_>) -> Result<FileSettings> {
    let mut file = FileSettings::new("");
    for option in section.entries()? {
        match option.key() {
            "path" => file.path = option.text()?.into(),
            "archive" => file.archive = Some(option.text()?.into()),
            "maxSize" => file.max_size = option.bytes()?,
            "maxFiles" => file.max_files = option.count()?,
            "daily" => file.daily = option.flag()?,
            "readableByAll" => file.readable_by_all = option.flag()?,
            _ => option.unknown()?,
        }
    }
    Ok(file)
}

fn read_syslog(section: &OptionValue<'_>) -> Result<SyslogSettings> {
    let mut syslog = SyslogSettings {
        address: ([127, 0, 0, 1], SYSLOG_PORT).into(),
        facility: Default::default(),
    };
    for option in section.entries()? {
        match option.key() {
            "address" => syslog.address = option.endpoint(SYSLOG_PORT)?,
            "facility" => syslog.facility = option.parsed("local0 to local7")?,
            _ => option.unknown()?,
        }
    }
    Ok(syslog)
}

fn read_hep(section: &OptionValue<'_>) -> Result<HepSettings> {
    let mut hep = HepSettings {
        address: ([127, 0, 0, 1], HEP_PORT).into(),
        capture_id: 1,
        version: HepVersion::default(),
    };
    for option in section.entries()? {
        match option.key() {
            "address" => hep.address = option.endpoint(HEP_PORT)?,
            "captureId" => hep.capture_id = u32::try_from(option.count()?).unwrap_or(u32::MAX),
            "version" => {
                hep.version = match option.count()? {
                    1 => HepVersion::V1,
                    2 => HepVersion::V2,
                    3 => HepVersion::V3,
                    _ => return Err(option.wrong("1, 2 or 3").into()),
                }
            }
            _ => option.unknown()?,
        }
    }
    Ok(hep)
}
