//! An S3 server on loopback, over a folder.

use std::path::Path;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use tokio::net::TcpListener;

/// The one bucket there is.
pub(crate) const BUCKET: &str = "bucket";
const KEY: &str = "roost";
const SECRET: &str = "a-secret-of-ours";

/// What a process needs in its environment to find and use the server, which lives as long as the runtime.
pub(crate) async fn serve(folder: &Path) -> Vec<(&'static str, String)> {
    std::fs::create_dir_all(folder.join(BUCKET)).expect("a folder can be made");
    let files = s3s_fs::FileSystem::new(folder).expect("a folder");
    let mut builder = S3ServiceBuilder::new(files);
    builder.set_auth(SimpleAuth::from_single(KEY, SECRET));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(accept(listener, builder.build()));
    vec![
        ("AWS_ENDPOINT", format!("http://{address}")),
        ("AWS_ALLOW_HTTP", "true".to_owned()),
        ("AWS_REGION", "us-east-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", KEY.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", SECRET.to_owned()),
        ("NO_PROXY", "127.0.0.1".to_owned()),
    ]
}

async fn accept(listener: TcpListener, service: S3Service) {
    while let Ok((socket, _)) = listener.accept().await {
        let service = service.clone();
        tokio::spawn(async move {
            let server = auto::Builder::new(TokioExecutor::new());
            // A connection that ends is no failure of the server.
            let _ = server.serve_connection(TokioIo::new(socket), service).await;
        });
    }
}
