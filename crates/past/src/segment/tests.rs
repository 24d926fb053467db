//! Segments read back as they were written, and nothing else is taken for one.

use bytes::Bytes;
use eventlog::Record;
use proptest::prelude::*;

use super::decode::Trailer;
use super::*;
use crate::subject::Filters;

const STREAM: &str = "AREA_EVENTS";
const ALL: (Sequence, Sequence) = (Sequence(0), Sequence(u64::MAX));

fn record(sequence: u64) -> Record {
    let length = usize::try_from(sequence * 37 % 300).unwrap();
    Record {
        stream: STREAM.into(),
        subject: format!("evt.area.harbor-{}", sequence % 5),
        sequence: Sequence(sequence),
        payload: vec![u8::try_from(sequence % 251).unwrap(); length].into(),
        // A leader's clock may be behind the one before it.
        stored_at: UnixMillis(1_769_860_800_000 + sequence * 40 - (sequence % 7) * 90),
        trace: sequence
            .is_multiple_of(3)
            .then(|| format!("00-{sequence:032x}-01")),
    }
}

fn records(range: std::ops::Range<u64>) -> Vec<Record> {
    range.map(record).collect()
}

fn sealed(records: &[Record]) -> Sealed {
    let incarnation = Incarnation(7);
    seal(
        Seal {
            stream: STREAM,
            incarnation,
        },
        records,
    )
    .unwrap()
}

fn read(file: &[u8], footer: &str, filters: &[&str]) -> Result<Vec<Record>, Flaw> {
    let file = Bytes::copy_from_slice(file);
    let filters = Filters::new(filters.iter().map(|one| (*one).to_owned()).collect());
    let footer = Footer::of_file(&file, footer)?;
    let mut records = Vec::new();
    for block in footer.blocks_of(|subject| filters.matches(subject)) {
        let packed = block.of_file(&file)?;
        block.read(&packed, STREAM, &filters, ALL, &mut records)?;
    }
    records.sort_by_key(|record| record.sequence);
    Ok(records)
}

#[test]
fn a_segment_reads_back_as_it_was_written() {
    let records = records(1000..7000);
    let sealed = sealed(&records);
    assert_eq!(read(&sealed.bytes, &sealed.footer, &[]).unwrap(), records);
    assert!(sealed.size() < sealed.plain / 4, "{} bytes", sealed.size());
}

#[test]
fn one_area_is_read_without_the_others() {
    let records = records(1..7000);
    let sealed = sealed(&records);
    let mine: Vec<Record> = records
        .iter()
        .filter(|record| record.subject == "evt.area.harbor-3")
        .cloned()
        .collect();
    let found = read(&sealed.bytes, &sealed.footer, &["evt.area.harbor-3"]).unwrap();
    assert_eq!(found, mine);
    let footer = Footer::of_file(&sealed.bytes, &sealed.footer).unwrap();
    let wanted = footer.blocks_of(|subject| subject == "evt.area.harbor-3");
    let much: u64 = wanted.map(|block| block.length).sum();
    assert!(much * 4 < sealed.size(), "{much} of {}", sealed.size());
}

#[test]
fn nothing_sealed_is_nothing() {
    let incarnation = Incarnation(7);
    assert!(
        seal(
            Seal {
                stream: STREAM,
                incarnation
            },
            &[]
        )
        .is_none()
    );
}

#[test]
fn a_segment_that_was_cut_anywhere_is_damaged() {
    let sealed = sealed(&records(1..400));
    for length in 0..sealed.bytes.len() {
        let cut = &sealed.bytes[..length];
        assert!(
            matches!(read(cut, &sealed.footer, &[]), Err(Flaw::Damaged(_))),
            "{length}"
        );
    }
}

#[test]
fn another_segment_in_its_place_is_damaged() {
    let (one, other) = (sealed(&records(1..400)), sealed(&records(400..800)));
    assert!(read(&other.bytes, &one.footer, &[]).is_err());
}

#[test]
fn a_later_format_is_told_from_a_damaged_file() {
    #[derive(Serialize)]
    struct Later {
        format: u16,
        tomorrow: &'static str,
    }
    let plain = schemas::encode(&Later {
        format: FORMAT + 1,
        tomorrow: "something else",
    });
    let packed = zstd::bulk::compress(&plain, 3).unwrap();
    let mut end = (packed.len() as u64).to_le_bytes().to_vec();
    end.extend((plain.len() as u64).to_le_bytes());
    end.extend(Sha256::digest(&packed));
    end.extend(END);
    let trailer = Trailer::read(&end, 1 << 20).unwrap();
    let read = Footer::read(&packed, &trailer, &sha256(&packed));
    assert_eq!(read.map(drop), Err(Flaw::Format(FORMAT + 1)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_flipped_bit_is_noticed_wherever_it_is(at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let records = records(1..900);
        let sealed = sealed(&records);
        let mut bytes = sealed.bytes.clone();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        // The digest in the trailer is not what is compared: the manifest's is. All else must be noticed.
        match read(&bytes, &sealed.footer, &[]) {
            Ok(found) => prop_assert_eq!(found, records),
            Err(flaw) => prop_assert!(matches!(flaw, Flaw::Damaged(_))),
        }
        prop_assert_ne!(sha256(&bytes), sealed.sha256);
    }

    #[test]
    fn any_bytes_at_all_are_refused_in_words(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(read(&bytes, &sha256(&bytes), &[]).is_err());
    }
}
