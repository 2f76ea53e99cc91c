//! Messages of the server to webhooks, over connections like those of the other commands.

use futures_util::future::BoxFuture;
use keepstep_client::{ServiceClients, reason_of};
use keepstep_platform::{Message, Messenger, PATIENCE};
use reqwest::Url;
use reqwest::header::CONTENT_TYPE;

/// Connects to webhooks. An answer is not read beyond its status: what a receiver on the own network says is nobody else's business.
#[derive(Debug)]
pub(super) struct Network(pub(super) ServiceClients);

impl Messenger for Network {
    fn send(&self, message: Message) -> BoxFuture<'static, Result<u16, String>> {
        let url = message.url.parse::<Url>().map_err(|_| "the address is invalid".to_owned());
        let connected = url.and_then(|url| Ok((self.0.client(&url)?, url)));
        Box::pin(async move {
            let (client, url) = connected?;
            let mut request = client.post(url).timeout(PATIENCE).header(CONTENT_TYPE, "application/json");
            for (name, value) in message.headers {
                request = request.header(name, value);
            }
            match request.body(message.body).send().await {
                Ok(answer) => Ok(answer.status().as_u16()),
                Err(error) if error.is_timeout() => Err(format!("no answer within {} seconds", PATIENCE.as_secs())),
                Err(error) => Err(reason_of(&error)),
            }
        })
    }
}
