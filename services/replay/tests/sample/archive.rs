//! An archive of a realm, as far as a test wants it.

use std::path::Path;

use eventlog::{EventLog, Follow, Record};
use past::{Archive, Location, Seal, seal};
use schemas::Sequence;
use schemas::subjects::{AREA_COMMANDS, AREA_EVENTS, Domain};

async fn held(log: &EventLog, stream: &str) -> Vec<Record> {
    let mut reader = log.read(stream, Vec::new(), Sequence(0), Follow::UntilHead);
    let mut records = Vec::new();
    while let Some(record) = reader.next().await.unwrap() {
        records.push(record);
    }
    records
}

/// Archives of each stream the first `share` hundredths, in segments of seven messages.
pub(crate) async fn archived(
    log: &EventLog,
    directory: &Path,
    share: impl Fn(&str) -> usize,
) -> Archive {
    let archive = Archive::create(&Location::Directory(directory.to_path_buf())).unwrap();
    let domains = Domain::ALL.into_iter();
    let domains = domains.flat_map(|domain| [domain.command_stream(), domain.event_stream()]);
    for stream in [AREA_COMMANDS, AREA_EVENTS].into_iter().chain(domains) {
        let info = log.stream_info(stream).await.unwrap();
        let incarnation = info.incarnation;
        let mut writer = archive.writer(stream, &info, 1000).await.unwrap();
        let records = held(log, stream).await;
        let some = records.len() * share(stream) / 100;
        for records in records[..some].chunks(7) {
            let of = Seal {
                stream,
                incarnation,
            };
            writer.add(seal(of, records).unwrap()).await.unwrap();
        }
    }
    archive
}
