//! An area as a picture, and what happens when it cannot be written.

mod sample;

use std::path::Path;

use replay::{Canvas, Cli, ReplayCommand, ReplayError, ShowArgs, exit};
use sample::{Realm, area_id, busy_day, realm_key};
use tempfile::TempDir;

async fn draw(realm: &Realm, area: &str, at: &str, path: &Path) -> Result<String, ReplayError> {
    let args = ShowArgs {
        map: Some(Canvas::Png(path.to_owned())),
        ..ShowArgs::of(area_id(area), at.parse().unwrap())
    };
    let mut out = Vec::new();
    let cli = Cli::new(ReplayCommand::Show(args));
    replay::execute(cli, &realm.log.clone().into(), Some(realm_key()), &mut out).await?;
    Ok(String::from_utf8(out).unwrap())
}

#[tokio::test]
async fn who_is_there_is_in_the_picture_in_the_colour_that_is_told() {
    let realm = busy_day().await;
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("harbor.png");
    // By then they stand apart.
    let told = draw(&realm, "harbor-1", "18", &path).await.unwrap();
    let decoder = png::Decoder::new(std::io::BufReader::new(std::fs::File::open(&path).unwrap()));
    let mut reader = decoder.read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    let map = &world::maps::builtin("harbor").unwrap().map;
    assert_eq!(
        info.width,
        u32::try_from(map.width * map.tile_px / 2).unwrap()
    );
    let has = |colour: [u8; 3]| pixels.chunks_exact(3).any(|pixel| pixel == colour);
    let mut figures = 0;
    for line in told.lines().filter(|line| line.starts_with('#')) {
        let colour = u32::from_str_radix(&line[1..7], 16).unwrap();
        let [_, red, green, blue] = colour.to_be_bytes();
        assert!(has([red, green, blue]), "{line}");
        figures += 1;
    }
    assert_eq!(figures, 2, "{told}");
    let names: Vec<_> = std::fs::read_dir(dir.path()).unwrap().collect();
    assert_eq!(names.len(), 1, "nothing else is left behind: {names:?}");
}

#[tokio::test]
async fn a_picture_that_is_there_is_not_painted_over() {
    let realm = busy_day().await;
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("harbor.png");
    std::fs::write(&path, b"mine").unwrap();
    let error = draw(&realm, "harbor-1", "9", &path).await.unwrap_err();
    assert_eq!(error.code(), exit::UNWRITABLE, "{error:?}");
    assert!(error.to_string().contains("exists already"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), b"mine");
}

#[tokio::test]
async fn where_nothing_can_be_written_nothing_is_left() {
    let realm = busy_day().await;
    let dir = TempDir::new().unwrap();
    // A directory stands where the file is to be renamed to.
    let path = dir.path().join("no/where.png");
    let error = draw(&realm, "harbor-1", "9", &path).await.unwrap_err();
    assert!(matches!(error, ReplayError::Unwritable { .. }), "{error:?}");
    assert_eq!(error.code(), exit::UNWRITABLE);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    let full = Path::new("/dev/full/x.png");
    let error = draw(&realm, "harbor-1", "9", full).await.unwrap_err();
    assert_eq!(error.code(), exit::UNWRITABLE, "{error:?}");
}
