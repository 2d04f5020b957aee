use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

async fn through(proxy: &Proxy) -> (TcpStream, TcpStream) {
    let target = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    proxy.set_target(&target.local_addr().expect("it is bound").to_string());
    let near = TcpStream::connect(proxy.address()).await.expect("the proxy listens");
    let (far, _) = target.accept().await.expect("the proxy connects");
    (near, far)
}

#[tokio::test]
async fn bytes_pass_and_are_counted_until_the_cut() {
    let proxy = Proxy::start().await.expect("a free port");
    let (mut near, mut far) = through(&proxy).await;
    near.write_all(b"hello").await.expect("it passes");
    let mut buffer = [0; 5];
    far.read_exact(&mut buffer).await.expect("it arrives");
    assert_eq!(&buffer, b"hello");
    // It is counted when it was written, which may be a moment after it was read.
    while proxy.bytes() < 5 {
        tokio::task::yield_now().await;
    }
    proxy.set_cut(true);
    // It may have been ended already.
    let _ = near.write_all(b"more").await;
    assert_eq!(far.read(&mut buffer).await.expect("the connection ends"), 0);
    assert_eq!(proxy.bytes(), 5);
}

#[tokio::test]
async fn there_and_back_takes_the_round_trip_however_much_is_under_way() {
    let round_trip = Duration::from_millis(200);
    let proxy = Proxy::start_far(Distance { round_trip, bits_per_second: None }).await.expect("a free port");
    let (mut near, mut far) = through(&proxy).await;
    let sent = vec![7; 1_000_000];
    let began = Instant::now();
    let echo = async {
        let mut heard = vec![0; sent.len()];
        far.read_exact(&mut heard).await.expect("it arrives");
        far.write_all(&heard).await.expect("it passes");
    };
    let ask = async {
        near.write_all(&sent).await.expect("it passes");
        let mut heard = vec![0; sent.len()];
        near.read_exact(&mut heard).await.expect("it comes back");
        assert_eq!(heard, sent);
    };
    tokio::join!(ask, echo);
    let took = began.elapsed();
    // One buffer at a time would take 60 round trips.
    assert!(took >= round_trip && took < round_trip * 10, "{took:?}");
}

#[tokio::test]
async fn a_rate_holds_for_all_connections_together_and_in_each_direction() {
    let distance = Distance { round_trip: Duration::from_millis(20), bits_per_second: Some(16_000_000) };
    let proxy = Proxy::start_far(distance).await.expect("a free port");
    let (one, far_one) = through(&proxy).await;
    let (other, far_other) = through(&proxy).await;
    let began = Instant::now();
    let bytes = 500_000;
    let carry = |mut from: TcpStream, mut to: TcpStream| async move {
        let sent = vec![7; bytes];
        let mut heard = vec![0; bytes];
        let (sent, heard) = tokio::join!(from.write_all(&sent), to.read_exact(&mut heard));
        sent.expect("it passes");
        heard.expect("it arrives");
    };
    tokio::join!(carry(one, far_one), carry(other, far_other));
    let took = began.elapsed();
    // A million bytes at two million a second; a busy machine may take longer, but none is faster.
    assert!(took >= Duration::from_millis(450) && took < Duration::from_secs(5), "{took:?}");
}

#[tokio::test]
async fn silence_holds_everything_back_and_loses_nothing() {
    let proxy = Proxy::start().await.expect("a free port");
    let (mut near, mut far) = through(&proxy).await;
    proxy.set_silent(true);
    near.write_all(b"hello").await.expect("the kernel takes it");
    let mut buffer = [0; 5];
    let heard = tokio::time::timeout(Duration::from_millis(200), far.read_exact(&mut buffer)).await;
    assert!(heard.is_err(), "it came through");
    proxy.set_silent(false);
    far.read_exact(&mut buffer).await.expect("it arrives");
    assert_eq!(&buffer, b"hello");
}
