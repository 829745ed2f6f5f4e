//! What the tests of the crate zookeeper-client use of the crate testcontainers, without containers: the image
//! `zookeeper` is a process started with `zk-server.sh` beside this crate, which SUITE_SERVER chooses. Paths inside the
//! container become paths of the container's own folder, and port 2181 becomes a free one unless the network is the
//! host's.

use std::collections::HashMap;
use std::fs;
use std::io::{Read, Write};
use std::marker::PhantomData;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::Mutex;
use std::thread::sleep;
use std::time::{Duration, Instant};

const CLIENT_PORT: u16 = 2181;
const START_TIMEOUT: Duration = Duration::from_secs(120);
/// What servers of ours say where the tests wait for a line of Apache ZooKeeper's log.
const OUR_WORDS: [(&str, &str); 1] = [("Read-only server started", "read-only mode, for clients that ask for it")];

pub mod clients {
    use crate::core::{Container, RunnableImage};
    use crate::images::generic::GenericImage;

    #[derive(Default)]
    pub struct Cli;

    impl Cli {
        /// Returns when the server serves.
        pub fn run(&self, image: impl Into<RunnableImage<GenericImage>>) -> Container<'_, GenericImage> {
            Container::run(image.into().image)
        }
    }
}

pub mod images {
    pub mod generic {
        use super::super::*;

        #[derive(Default)]
        pub struct GenericImage {
            pub(crate) variables: HashMap<String, String>,
            pub(crate) volumes: HashMap<String, String>,
            pub(crate) is_on_host: bool,
        }

        impl GenericImage {
            pub fn new(_name: &str, tag: &str) -> Self {
                // Newer than 3.4 means: what SUITE_SERVER is.
                assert!(!["3.3", "3.4"].contains(&tag), "there is no ZooKeeper {tag} here");
                Self::default()
            }

            pub fn with_env_var(mut self, name: &str, value: String) -> Self {
                self.variables.insert(name.to_string(), value);
                self
            }

            pub fn with_healthcheck(self, _check: crate::core::Healthcheck) -> Self {
                self
            }

            pub fn with_wait_for(self, _what: crate::core::WaitFor) -> Self {
                self
            }
        }
    }
}

pub mod core {
    use super::images::generic::GenericImage;
    use super::*;

    pub enum WaitFor {
        Healthcheck,
    }

    /// Whether the server serves is asked with `srvr`, as the script of the image does it.
    #[derive(Default)]
    pub struct Healthcheck;

    impl Healthcheck {
        pub fn with_cmd<I>(self, _command: I) -> Self {
            self
        }

        pub fn with_interval(self, _interval: Duration) -> Self {
            self
        }

        pub fn with_retries(self, _retries: u32) -> Self {
            self
        }
    }

    pub struct RunnableImage<I> {
        pub(crate) image: I,
    }

    impl From<GenericImage> for RunnableImage<GenericImage> {
        fn from(image: GenericImage) -> Self {
            Self { image }
        }
    }

    impl RunnableImage<GenericImage> {
        pub fn with_volume(mut self, (source, destination): (&str, &str)) -> Self {
            self.image.volumes.insert(destination.to_string(), source.to_string());
            self
        }

        pub fn with_network(mut self, network: &str) -> Self {
            self.image.is_on_host = network == "host";
            self
        }
    }

    /// The end of it ends the server and takes its folder away.
    pub struct Container<'d, I> {
        folder: PathBuf,
        flags: String,
        port: u16,
        process: Mutex<Option<Child>>,
        image: PhantomData<(&'d (), I)>,
    }

    impl<'d> Container<'d, GenericImage> {
        pub(crate) fn run(image: GenericImage) -> Self {
            let folder = new_folder();
            let (config, port) = configure(&image, folder.to_str().unwrap());
            fs::write(folder.join("zoo.cfg"), config).unwrap();
            let flags = image.variables.get("SERVER_JVMFLAGS").cloned().unwrap_or_default();
            let container = Self { folder, flags, port, process: Mutex::new(None), image: PhantomData };
            container.start();
            container.wait_until_healthy();
            container
        }

        /// Returns at once.
        pub fn start(&self) {
            let log = fs::OpenOptions::new().create(true).append(true).open(self.log_file()).unwrap();
            let child = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../zk-server.sh"))
                .arg("start-foreground")
                .arg(self.folder.join("zoo.cfg"))
                .env("SERVER_JVMFLAGS", &self.flags)
                .stdin(Stdio::null())
                .stdout(log.try_clone().unwrap())
                .stderr(log)
                .spawn()
                .unwrap();
            *self.process.lock().unwrap() = Some(child);
        }

        pub fn get_host_port(&self, _port: u16) -> u16 {
            self.port
        }

        pub fn stdout(&self) -> LogStream {
            LogStream { file: self.log_file() }
        }

        fn log_file(&self) -> PathBuf {
            self.folder.join("server.log")
        }

        fn wait_until_healthy(&self) {
            let begun = Instant::now();
            while !serves(self.port) {
                let ended = self.process.lock().unwrap().as_mut().unwrap().try_wait().unwrap();
                let is_over = ended.is_some() || begun.elapsed() > START_TIMEOUT;
                assert!(!is_over, "container is not healthy: {}", fs::read_to_string(self.log_file()).unwrap());
                sleep(Duration::from_millis(100));
            }
        }
    }

    impl<I> Container<'_, I> {
        /// SIGTERM; returns when the process has ended.
        pub fn stop(&self) {
            if let Some(mut child) = self.process.lock().unwrap().take() {
                Command::new("kill").arg(child.id().to_string()).status().unwrap();
                child.wait().unwrap();
            }
        }
    }

    impl<I> Drop for Container<'_, I> {
        fn drop(&mut self) {
            self.stop();
            // What the folder holds is of no use any more, and it may be gone.
            let _ = fs::remove_dir_all(&self.folder);
        }
    }

    pub struct LogStream {
        file: PathBuf,
    }

    impl LogStream {
        pub fn wait_for_message(self, message: &str) -> Result<(), String> {
            let begun = Instant::now();
            while begun.elapsed() < START_TIMEOUT {
                let log = fs::read_to_string(&self.file).unwrap_or_default();
                let ours = OUR_WORDS.iter().find(|(words, _)| *words == message);
                if log.contains(message) || ours.is_some_and(|(_, words)| log.contains(words)) {
                    return Ok(());
                }
                sleep(Duration::from_millis(50));
            }
            Err(format!("{message}: not in {:?}", self.file))
        }
    }
}

/// The text of zoo.cfg for a process, and its client port.
fn configure(image: &images::generic::GenericImage, folder: &str) -> (String, u16) {
    // Without a file the image makes this one.
    let given = match image.volumes.get("/conf/zoo.cfg") {
        Some(file) => fs::read_to_string(file).unwrap(),
        None => format!("dataDir=/data\ntickTime=2000\ninitLimit=5\nsyncLimit=2\nclientPort={CLIENT_PORT}\n"),
    };
    let data = image.volumes.get("/data").cloned().unwrap_or(format!("{folder}/data"));
    fs::create_dir_all(&data).unwrap();
    let mut config = given.replace("dataDir=/data", &format!("dataDir={data}")) + "admin.enableServer=false\n";
    if image.is_on_host {
        return (config, port_of_member(&given, &data));
    }
    let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    for key in ["clientPort", "secureClientPort"] {
        config = config.replace(&format!("{key}={CLIENT_PORT}"), &format!("{key}={port}"));
    }
    for (inside, outside) in &image.volumes {
        config = config.replace(inside, outside);
    }
    (config, port)
}

/// The number at the end of its own line among the servers.
fn port_of_member(config: &str, data: &str) -> u16 {
    let id = fs::read_to_string(format!("{data}/myid")).unwrap();
    let line = config.lines().find(|line| line.starts_with(&format!("server.{}=", id.trim()))).unwrap();
    line.rsplit(':').next().unwrap().parse().unwrap()
}

fn serves(port: u16) -> bool {
    let Ok(mut socket) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let mut answer = String::new();
    socket.write_all(b"srvr").is_ok() && socket.read_to_string(&mut answer).is_ok() && answer.contains("\nMode: ")
}

fn new_folder() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("zookeeper-container-{}-{number}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    folder
}
