//! Unix sockets, and their files.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use futures_util::future::join;
use futures_util::stream::StreamExt;
use homing_futures::{Endpoint, Net};
use tempfile::TempDir;

use super::sockets::{closes_one_way, echo};

fn place() -> (TempDir, PathBuf, Endpoint) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hub");
    let endpoint = Endpoint::Unix(path.clone());
    (folder, path, endpoint)
}

pub(crate) async fn echoes_over_unix<N: Net + Default>() {
    let (_folder, _, on) = place();
    echo::<N>(&on).await;
}

pub(crate) async fn unix_closes_one_way<N: Net + Default>() {
    let (_folder, _, on) = place();
    closes_one_way::<N>(&on).await;
}

pub(crate) async fn the_file_goes_with_the_listener<N: Net + Default>() {
    let (net, (_folder, path, on)) = (N::default(), place());
    for _ in 0..2 {
        let (listener, bound) = net.listen(&on).await.unwrap();
        assert_eq!(bound, on);
        assert!(path.exists());
        drop(listener);
        assert!(!path.exists());
    }
    assert_eq!(net.connect(&on).await.err().unwrap().kind(), ErrorKind::NotFound);
}

pub(crate) async fn a_dead_file_is_replaced<N: Net + Default>() {
    let (net, (_folder, path, on)) = (N::default(), place());
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists(), "what a killed process leaves");
    assert_eq!(net.connect(&on).await.err().unwrap().kind(), ErrorKind::ConnectionRefused);

    let (mut listener, _) = net.listen(&on).await.unwrap();
    let (near, far) = join(net.connect(&on), listener.next()).await;
    near.unwrap();
    far.unwrap().unwrap();
}

pub(crate) async fn a_live_socket_is_not<N: Net + Default>() {
    let (net, (_folder, path, on)) = (N::default(), place());
    let _other = UnixListener::bind(&path).unwrap();
    assert_eq!(net.listen(&on).await.err().unwrap().kind(), ErrorKind::AddrInUse);
    net.connect(&on).await.unwrap();
}

pub(crate) async fn nor_is_a_regular_file<N: Net + Default>() {
    let (net, (_folder, path, on)) = (N::default(), place());
    fs::write(&path, "precious").unwrap();
    assert_eq!(net.listen(&on).await.err().unwrap().kind(), ErrorKind::AddrInUse);
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
}
