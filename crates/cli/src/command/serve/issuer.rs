//! Requests of the server to its identity provider, over connections like those of the other commands.

use futures_util::future::BoxFuture;
use keepstep_client::{ServiceClients, reason_of};
use keepstep_platform::{IssuerAnswer, IssuerConnection, IssuerRequest, LARGEST_ANSWER, PATIENCE};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Response, Url};

/// Connects to the identity provider. It follows no redirect, so what is secret goes nowhere else.
#[derive(Debug)]
pub(super) struct Network(pub(super) ServiceClients);

impl IssuerConnection for Network {
    fn send(&self, request: IssuerRequest) -> BoxFuture<'static, Result<IssuerAnswer, String>> {
        let url = request.url.parse::<Url>().map_err(|_| "the address is invalid".to_owned());
        let connected = url.and_then(|url| Ok((self.0.client(&url)?, url)));
        Box::pin(async move {
            let (client, url) = connected?;
            let mut sent = match request.form {
                Some(form) => client.post(url).header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form),
                None => client.get(url),
            };
            if let Some(authorization) = request.authorization {
                let mut header = HeaderValue::try_from(authorization).map_err(|_| "its token cannot be sent".to_owned())?;
                header.set_sensitive(true);
                sent = sent.header(AUTHORIZATION, header);
            }
            let answered = async { whole(sent.header(ACCEPT, "application/json").timeout(PATIENCE).send().await?).await };
            match answered.await {
                Ok(Some(answer)) => Ok(answer),
                Ok(None) => Err(format!("its answer is longer than {} KiB", LARGEST_ANSWER / 1024)),
                Err(error) if error.is_timeout() => Err(format!("no answer within {} seconds", PATIENCE.as_secs())),
                Err(error) => Err(reason_of(&error)),
            }
        })
    }
}

/// Reads an answer to its end, if that comes soon enough.
async fn whole(mut response: Response) -> Result<Option<IssuerAnswer>, reqwest::Error> {
    let status = response.status().as_u16();
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await? {
        if body.len() + piece.len() > LARGEST_ANSWER {
            return Ok(None);
        }
        body.extend_from_slice(&piece);
    }
    Ok(Some(IssuerAnswer { status, body }))
}

#[cfg(test)]
mod tests {
    use keepstep_testkit::{Canned, Reply};

    use super::*;

    async fn ask(server: &Canned, path: &str, authorization: Option<&str>) -> Result<IssuerAnswer, String> {
        let network = Network(ServiceClients::new(keepstep_client::Options::default()));
        let (url, authorization) = (format!("{}{path}", server.url()), authorization.map(str::to_owned));
        network.send(IssuerRequest { url, authorization, form: None }).await
    }

    #[tokio::test]
    async fn an_answer_is_bounded_and_a_redirect_leads_nowhere() {
        let longest = "x".repeat(LARGEST_ANSWER);
        let longer = format!("{longest}x");
        let server = Canned::routes([
            ("GET /longest", Reply::new(200, &[], longest)),
            ("GET /longer", Reply::new(200, &[], longer)),
            ("GET /away", Reply::new(302, &[("location", "/longest")], "")),
        ]);
        let answer = ask(&server, "/longest", Some("Bearer access")).await.unwrap();
        assert_eq!((answer.status, answer.body.len()), (200, LARGEST_ANSWER));
        assert_eq!(ask(&server, "/longer", None).await, Err("its answer is longer than 256 KiB".to_owned()));
        assert_eq!(ask(&server, "/away", None).await.unwrap().status, 302);
        assert_eq!(server.requests().len(), 3, "it is not followed");
        let refused = ask(&server, "/longest", Some("Bearer a\nb")).await;
        assert_eq!(refused, Err("its token cannot be sent".to_owned()));
    }
}
