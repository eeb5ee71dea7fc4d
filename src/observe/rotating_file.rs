//! A file that is begun anew when it is full or a day is over, and of which so many old ones are
//! kept.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::line::Moment;

/// How often it is looked whether the file is still where it was.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// What a file may hold by default, in bytes.
const MAX_SIZE: u64 = 50 * 1024 * 1024;

/// How many old files are kept by default.
const MAX_FILES: usize = 100;

/// A file, and how it is kept small.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSettings {
    /// Its name.
    pub path: PathBuf,
    /// The directory that old files go to; `None`: where the file is.
    pub archive: Option<PathBuf>,
    /// How many bytes it may hold.
    pub max_size: u64,
    /// How many old files are kept.
    pub max_files: usize,
    /// Whether every day (UTC) has a file of its own.
    pub daily: bool,
    /// Whether everybody on this host may read it, not only its owner and group.
    pub readable_by_all: bool,
}

impl FileSettings {
    /// The defaults, for a file of this name.
    pub fn new(path: impl Into<PathBuf>) -> FileSettings {
        FileSettings {
            path: path.into(),
            archive: None,
            max_size: MAX_SIZE,
            max_files: MAX_FILES,
            daily: false,
            readable_by_all: false,
        }
    }
}

/// The file in use.
#[derive(Debug)]
pub(super) struct RotatingFile {
    settings: FileSettings,
    /// What every file begins with.
    header: Vec<u8>,
    file: File,
    size: u64,
    day: u64,
    /// When it was looked where the file is.
    looked: SystemTime,
}

impl RotatingFile {
    /// Goes on with the file if it is there.
    pub(super) fn open(settings: FileSettings, header: &[u8]) -> io::Result<RotatingFile> {
        if let Some(archive) = &settings.archive {
            fs::create_dir_all(archive)?;
        }
        let file = open(&settings)?;
        let metadata = file.metadata()?;
        let begun = metadata.modified().unwrap_or_else(|_| SystemTime::now());
        let mut opened = RotatingFile {
            day: Moment::of(begun).day,
            size: metadata.len(),
            header: header.to_vec(),
            settings,
            file,
            looked: SystemTime::now(),
        };
        if opened.size == 0 {
            opened.begin()?;
        }
        Ok(opened)
    }

    /// Appends something that is to stand in one file.
    pub(super) fn append(&mut self, at: SystemTime, bytes: &[u8]) -> io::Result<()> {
        self.keep_to_name(at)?;
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let header = u64::try_from(self.header.len()).unwrap_or_default();
        let is_full =
            self.size > header && self.size.saturating_add(length) > self.settings.max_size;
        let is_of_another_day = self.settings.daily && Moment::of(at).day != self.day;
        if is_full || is_of_another_day {
            self.rotate(at)?;
        }
        self.file.write_all(bytes)?;
        self.size = self.size.saturating_add(length);
        Ok(())
    }

    /// Begins a new file of its name if somebody else has moved the one in use away or has emptied
    /// it, as logrotate does.
    fn keep_to_name(&mut self, at: SystemTime) -> io::Result<()> {
        let since = at.duration_since(self.looked);
        if since.is_ok_and(|since| since < LOOK_INTERVAL) {
            return Ok(());
        }
        self.looked = at;
        if !is_named(&self.file, &self.settings.path) {
            self.file = open(&self.settings)?;
        }
        self.size = self.file.metadata()?.len();
        if self.size == 0 {
            self.begin()?;
        }
        Ok(())
    }

    fn begin(&mut self) -> io::Result<()> {
        self.file.write_all(&self.header)?;
        self.size = u64::try_from(self.header.len()).unwrap_or_default();
        Ok(())
    }

    fn rotate(&mut self, at: SystemTime) -> io::Result<()> {
        fs::rename(&self.settings.path, self.name_of_old(at))?;
        self.file = open(&self.settings)?;
        self.day = Moment::of(at).day;
        self.remove_oldest();
        self.begin()
    }

    /// `name.YYYY-MM-DD.HHMMSS.uuuuuu`, which sorts by age.
    fn name_of_old(&self, at: SystemTime) -> PathBuf {
        let moment = Moment::of(at);
        let suffix = format!("{}.{}", moment.date(), moment.time().replace(':', ""));
        let mut name = self.file_name().to_owned();
        for n in 0_u32.. {
            let tail = if n == 0 {
                String::new()
            } else {
                format!("-{n:03}")
            };
            let path = self.directory().join(format!("{name}.{suffix}{tail}"));
            if !path.exists() {
                return path;
            }
        }
        name.push_str(".old");
        self.directory().join(name)
    }

    fn remove_oldest(&self) {
        let prefix = format!("{}.", self.file_name());
        let Ok(entries) = fs::read_dir(self.directory()) else {
            return;
        };
        let mut old: Vec<PathBuf> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| {
                let name = path.file_name().and_then(|name| name.to_str());
                name.and_then(|name| name.strip_prefix(&prefix))
                    .is_some_and(is_suffix)
            })
            .collect();
        old.sort();
        let surplus = old.len().saturating_sub(self.settings.max_files);
        for path in old.iter().take(surplus) {
            // The next time, then.
            let _ = fs::remove_file(path);
        }
    }

    fn file_name(&self) -> &str {
        let name = self.settings.path.file_name();
        name.and_then(|name| name.to_str()).unwrap_or("drachtio")
    }

    fn directory(&self) -> &Path {
        let own = self.settings.path.parent();
        let own = own.filter(|path| !path.as_os_str().is_empty());
        let archive = self.settings.archive.as_deref();
        archive.or(own).unwrap_or_else(|| Path::new("."))
    }
}

/// True for what [`RotatingFile::name_of_old`] puts behind a name.
fn is_suffix(text: &str) -> bool {
    text.len() >= 24
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'-' || byte == b'.')
}

/// True if that is the file's name.
#[cfg(unix)]
fn is_named(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    let own = file.metadata().map(identity).ok();
    own.is_some() && own == fs::metadata(path).map(identity).ok()
}

/// A file that is open can't be moved on other systems.
#[cfg(not(unix))]
fn is_named(_file: &File, _path: &Path) -> bool {
    true
}

fn open(settings: &FileSettings) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(if settings.readable_by_all {
            0o664
        } else {
            0o660
        });
    }
    options.open(&settings.path)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    fn directory(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("drachtio-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        path
    }

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_full_file_makes_way_and_only_so_many_are_kept() {
        let directory = directory("full");
        let settings = FileSettings {
            max_size: 25,
            max_files: 2,
            ..FileSettings::new(directory.join("log"))
        };
        let mut file = RotatingFile::open(settings, b"head ").unwrap();
        for n in 0..9_u64 {
            let at = UNIX_EPOCH + Duration::from_secs(n);
            file.append(at, format!("line {n:04} ").as_bytes()).unwrap();
        }
        assert_eq!(names(&directory).len(), 3);
        assert_eq!(
            fs::read_to_string(directory.join("log")).unwrap(),
            "head line 0008 "
        );
        let before = directory.join("log.1970-01-01.000008.000000");
        assert_eq!(
            fs::read_to_string(before).unwrap(),
            "head line 0006 line 0007 "
        );
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn every_day_has_its_file_and_old_ones_go_to_the_archive() {
        let directory = directory("daily");
        let settings = FileSettings {
            archive: Some(directory.join("old")),
            daily: true,
            ..FileSettings::new(directory.join("log"))
        };
        let mut file = RotatingFile::open(settings.clone(), b"").unwrap();
        let today = SystemTime::now();
        let tomorrow = today + Duration::from_secs(86_400);
        for (at, text) in [(today, "a\n"), (today, "b\n"), (tomorrow, "c\n")] {
            file.append(at, text.as_bytes()).unwrap();
        }
        assert_eq!(fs::read_to_string(directory.join("log")).unwrap(), "c\n");
        assert_eq!(names(&directory.join("old")).len(), 1);
        drop(file);
        // It is gone on with, not begun anew.
        let mut file = RotatingFile::open(settings, b"").unwrap();
        file.append(today, b"d\n").unwrap();
        assert_eq!(fs::read_to_string(directory.join("log")).unwrap(), "c\nd\n");
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    #[cfg(unix)]
    fn a_file_that_somebody_else_moves_or_empties_is_begun_anew_within_a_second() {
        let directory = directory("moved");
        let path = directory.join("log");
        let mut file = RotatingFile::open(FileSettings::new(&path), b"head ").unwrap();
        let now = SystemTime::now();
        let mut after = |seconds: u64, text: &str| {
            let at = now + Duration::from_secs(seconds);
            file.append(at, text.as_bytes()).unwrap();
        };
        after(2, "one ");
        fs::rename(&path, directory.join("moved")).unwrap();
        after(2, "two ");
        after(3, "three ");
        fs::write(&path, "").unwrap();
        after(4, "four ");
        fs::remove_file(&path).unwrap();
        after(5, "five ");
        let text = |name: &str| fs::read_to_string(directory.join(name)).unwrap();
        assert_eq!(text("moved"), "head one two ");
        assert_eq!(text("log"), "head five ");
        assert_eq!(names(&directory), ["log", "moved"]);
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    #[cfg(unix)]
    fn others_may_not_read_it_unless_asked_for() {
        use std::os::unix::fs::PermissionsExt;
        let directory = directory("mode");
        for (readable_by_all, others) in [(false, 0), (true, 4)] {
            let settings = FileSettings {
                readable_by_all,
                ..FileSettings::new(directory.join(format!("log-{readable_by_all}")))
            };
            let path = settings.path.clone();
            RotatingFile::open(settings, b"").unwrap();
            let mode = fs::metadata(path).unwrap().permissions().mode();
            assert_eq!(mode & 0o007, others);
        }
        fs::remove_dir_all(directory).unwrap();
    }
}
