//! A broker between clients of ZeroMQ, with CURVE to each: the proxy of libzmq, twice. It says where it is
//! on one line: the ports for who sends, receives, asks and answers, and its public key.

use std::error::Error;
use std::process::ExitCode;
use std::thread;

use zmq::{Context, CurveKeyPair, Socket, SocketType};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn bind(context: &Context, kind: SocketType, keys: &CurveKeyPair) -> Result<(Socket, u16)> {
    let socket = context.socket(kind)?;
    socket.set_curve_server(true)?;
    socket.set_curve_secretkey(&keys.secret_key)?;
    // No mark: a ROUTER drops what is beyond it. The clients keep theirs, at which they wait.
    socket.set_sndhwm(0)?;
    socket.set_rcvhwm(0)?;
    socket.bind("tcp://127.0.0.1:*")?;
    let endpoint = socket.get_last_endpoint()?.map_err(|_| "an endpoint of no text")?;
    let port = endpoint.rsplit(':').next().ok_or("an endpoint without a port")?.parse()?;
    Ok((socket, port))
}

fn serve() -> Result<()> {
    let context = Context::new();
    let keys = CurveKeyPair::new()?;
    let (senders, send) = bind(&context, zmq::PULL, &keys)?;
    let (receivers, receive) = bind(&context, zmq::PUSH, &keys)?;
    let (askers, ask) = bind(&context, zmq::ROUTER, &keys)?;
    let (answerers, answer) = bind(&context, zmq::DEALER, &keys)?;
    // The key last: it may begin with a dash, as an option does.
    println!("target: {send} {receive} {ask} {answer} {}", zmq::z85_encode(&keys.public_key)?);
    thread::spawn(move || zmq::proxy(&askers, &answerers));
    Ok(zmq::proxy(&senders, &receivers)?)
}

fn main() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("{e}");
            ExitCode::FAILURE
        }
    }
}
