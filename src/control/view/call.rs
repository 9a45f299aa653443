//! Calls to paste: the same call by curl, openssl, Python, Node, Java, Go and .NET.
//!
//! Each names the files `client.crt` (the client's certificate, then its intermediates), `client.key` and the CA that
//! the server's certificate leads to: `server-ca.pem` where that is the server's own authority, else a place holder.
//! Java reads `client.p12`. Each has the form for a
//! name that does not resolve: it connects to the address, with the server name set. All that is put into them are host
//! names, realm and pipeline names and addresses, none of which has a character that would have to be quoted.

use std::net::{IpAddr, SocketAddr};

use serde::Serialize;

use crate::domain::trigger::Method;

/// What the calls name where the server's certificate is of an authority that we do not know.
const PLACE_HOLDER: &str = "YOUR-CA.pem";

/// What is called in the examples.
#[derive(Clone, Debug)]
pub struct Example {
    /// The host: the server name, too.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The path.
    pub path: String,
    /// The method.
    pub method: Method,
    /// The address to connect to where the name does not resolve.
    pub address: IpAddr,
    /// Whom the client has to trust.
    pub server_trust: ServerCa,
}

/// Who issued the server's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerCa {
    /// The server's own authority, whose certificate the client must be given.
    Own,
    /// Another one, which clients know, or were told of elsewhere.
    Provided,
}

/// The same call by different means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Calls {
    /// On a command line.
    pub curl: String,
    /// On a command line, to see the handshake.
    pub openssl: String,
    /// With `requests`.
    pub python: String,
    /// With the built-in `https` module.
    pub node: String,
    /// With the built-in `HttpClient`.
    pub java: String,
    /// With the standard library.
    pub go: String,
    /// With `HttpClient`.
    pub dotnet: String,
}

impl Calls {
    /// Writes all of them.
    pub fn of(example: &Example) -> Self {
        Self {
            curl: example.curl(),
            openssl: example.openssl(),
            python: example.python(),
            node: example.node(),
            java: example.java(),
            go: example.go(),
            dotnet: example.dotnet(),
        }
    }
}

impl Example {
    /// The host, with the port unless it is 443.
    fn authority(&self) -> String {
        if self.port == 443 {
            self.host.clone()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    fn url(&self) -> String {
        format!("https://{}{}", self.authority(), self.path)
    }

    fn socket(&self) -> SocketAddr {
        SocketAddr::new(self.address, self.port)
    }

    fn has_body(&self) -> bool {
        matches!(self.method, Method::Post | Method::Put | Method::Patch)
    }

    /// What the files are, as comments.
    fn files(&self, comment: &str) -> String {
        let own = format!(
            "{comment} client.crt: the client's certificate, then its intermediates; client.key: its private key\n"
        );
        match self.server_trust {
            ServerCa::Own => own,
            ServerCa::Provided => format!(
                "{own}{comment} {PLACE_HOLDER}: the CA of the server's certificate; leave it out where that is publicly trusted\n"
            ),
        }
    }

    /// `text` with the file of the CA that the client has to trust.
    fn with_ca(&self, text: &str) -> String {
        match self.server_trust {
            ServerCa::Own => text.to_owned(),
            ServerCa::Provided => text.replace("server-ca.pem", PLACE_HOLDER),
        }
    }

    /// The flag of curl that stands in for a name that does not resolve.
    pub fn resolve_flag(&self) -> String {
        let address = match self.address {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("[{address}]"),
        };
        format!("--resolve {}:{}:{address}", self.host, self.port)
    }

    /// The line of a hosts file that makes the name resolve.
    pub fn hosts_line(&self) -> String {
        format!("{} {}", self.address, self.host)
    }

    fn curl(&self) -> String {
        let method = match self.method {
            Method::Get => String::new(),
            Method::Post | Method::Put | Method::Patch => {
                format!(
                    " -X {} -H 'Content-Type: application/json' -d '{{}}'",
                    self.method.as_str()
                )
            }
            Method::Delete | Method::Options => format!(" -X {}", self.method.as_str()),
        };
        let common = format!(
            "--cert client.crt --key client.key{}{method} {}",
            self.with_ca(" --cacert server-ca.pem"),
            self.url()
        );
        format!(
            "{}curl {common}\n\n# Where the name does not resolve:\ncurl {} {common}\n",
            self.files("#"),
            self.resolve_flag()
        )
    }

    fn openssl(&self) -> String {
        let body = if self.has_body() {
            "Content-Type: application/json\\r\\nContent-Length: 2\\r\\n"
        } else {
            ""
        };
        let content = if self.has_body() { "{}" } else { "" };
        format!(
            "{files}printf '{method} {path} HTTP/1.1\\r\\nHost: {authority}\\r\\n{body}Connection: close\\r\\n\\r\\n{content}' |\n  \
             openssl s_client -quiet -connect {socket} -servername {host} -verify_hostname {host} -verify_return_error \\\n  \
             -cert client.crt -cert_chain client.crt -key client.key{ca}\n",
            files = self.files("#"),
            method = self.method.as_str(),
            path = self.path,
            authority = self.authority(),
            socket = self.socket(),
            host = self.host,
            ca = self.with_ca(" -CAfile server-ca.pem"),
        )
    }

    fn python(&self) -> String {
        let body = if self.has_body() { ", json={}" } else { "" };
        format!(
            r#"{files}import requests

answer = requests.request("{method}", "{url}",
                          cert=("client.crt", "client.key"){verify}{body}, timeout=30)
print(answer.status_code, answer.text)

# Where the name does not resolve: connect to the address, with the server name set.
import urllib3

pool = urllib3.HTTPSConnectionPool("{address}", {port}, server_hostname="{host}", assert_hostname="{host}",
                                   cert_file="client.crt", key_file="client.key", cert_reqs="CERT_REQUIRED"{ca_certs})
answer = pool.request("{method}", "{path}", headers={{"Host": "{authority}"}}{body})
print(answer.status, answer.data.decode())
"#,
            files = self.files("#"),
            method = self.method.as_str(),
            url = self.url(),
            verify = self.with_ca(", verify=\"server-ca.pem\""),
            address = self.address,
            port = self.port,
            host = self.host,
            ca_certs = self.with_ca(", ca_certs=\"server-ca.pem\""),
            path = self.path,
            authority = self.authority(),
        )
    }

    fn node(&self) -> String {
        let family = if self.address.is_ipv4() { 4 } else { 6 };
        let (headers, send) = if self.has_body() {
            (
                "\n  headers: { \"Content-Type\": \"application/json\" },",
                "request.end(\"{}\");",
            )
        } else {
            ("", "request.end();")
        };
        format!(
            r#"{files}const fs = require("node:fs"), https = require("node:https");

const request = https.request("{url}", {{
  method: "{method}",{headers}
  cert: fs.readFileSync("client.crt"), key: fs.readFileSync("client.key"),{ca}
  // Where the name does not resolve:
  // lookup: (name, options, done) => options.all ? done(null, [{{ address: "{address}", family: {family} }}]) : done(null, "{address}", {family}),
}}, answer => {{
  console.log(answer.statusCode);
  answer.pipe(process.stdout);
}});
request.on("error", error => console.error(error.message));
{send}
"#,
            files = self.files("//"),
            url = self.url(),
            method = self.method.as_str(),
            ca = self.with_ca("\n  ca: fs.readFileSync(\"server-ca.pem\"),"),
            address = self.address,
        )
    }

    fn java(&self) -> String {
        let body = if self.has_body() {
            "ofString(\"{}\")"
        } else {
            "noBody()"
        };
        let header = if self.has_body() {
            "\n        .header(\"Content-Type\", \"application/json\")"
        } else {
            ""
        };
        let trust = self.with_ca(
            r#"
    KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
    trusted.load(null, null);
    try (InputStream in = Files.newInputStream(Path.of("server-ca.pem"))) {
      trusted.setCertificateEntry("server-ca", CertificateFactory.getInstance("X.509").generateCertificate(in));
    }
    TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(trusted);"#,
        );
        format!(
            r#"{files}// Call.java; the client's certificate and key as PKCS#12:
//   openssl pkcs12 -export -in client.crt -inkey client.key -out client.p12 -passout pass:changeit
// Where the name does not resolve: java -Djdk.net.hosts.file=hosts.txt Call.java, hosts.txt with the line
//   {hosts}
import java.io.InputStream;
import java.net.URI;
import java.net.http.*;
import java.nio.file.*;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import javax.net.ssl.*;

public class Call {{
  public static void main(String[] args) throws Exception {{
    char[] password = "changeit".toCharArray();
    KeyStore own = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(Path.of("client.p12"))) {{
      own.load(in, password);
    }}
    KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    keys.init(own, password);{trust}
    SSLContext tls = SSLContext.getInstance("TLS");
    tls.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
    HttpRequest request = HttpRequest.newBuilder(URI.create("{url}")){header}
        .method("{method}", HttpRequest.BodyPublishers.{body}).build();
    HttpResponse<String> answer = HttpClient.newBuilder().sslContext(tls).build()
        .send(request, HttpResponse.BodyHandlers.ofString());
    System.out.println(answer.statusCode() + " " + answer.body());
  }}
}}
"#,
            files = self.files("//"),
            hosts = self.hosts_line(),
            url = self.url(),
            method = self.method.as_str(),
        )
    }

    fn go(&self) -> String {
        let (body, strings, header) = if self.has_body() {
            (
                "strings.NewReader(\"{}\")",
                "\t\"strings\"\n",
                "\trequest.Header.Set(\"Content-Type\", \"application/json\")\n",
            )
        } else {
            ("nil", "", "")
        };
        let pool = self.with_ca(
            "\tca, err := os.ReadFile(\"server-ca.pem\")\n\tcheck(err)\n\tpool := x509.NewCertPool()\n\tpool.AppendCertsFromPEM(ca)\n",
        );
        format!(
            r#"{files}package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"os"
{strings})

// Where the name does not resolve: "{socket}".
const connectTo = ""

func main() {{
	certificate, err := tls.LoadX509KeyPair("client.crt", "client.key")
	check(err)
{pool}	transport := &http.Transport{{
		ForceAttemptHTTP2: true,
		TLSClientConfig:   &tls.Config{{Certificates: []tls.Certificate{{certificate}}, RootCAs: pool}},
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {{
			if connectTo != "" {{
				address = connectTo
			}}
			return (&net.Dialer{{}}).DialContext(ctx, network, address)
		}},
	}}
	request, err := http.NewRequest("{method}", "{url}", {body})
	check(err)
{header}	answer, err := (&http.Client{{Transport: transport}}).Do(request)
	check(err)
	defer answer.Body.Close()
	log.Println(answer.Status)
	io.Copy(os.Stdout, answer.Body)
}}

func check(err error) {{
	if err != nil {{
		log.Fatal(err)
	}}
}}
"#,
            files = self.files("//"),
            socket = self.socket(),
            method = self.method.as_str(),
            url = self.url(),
        )
    }

    fn dotnet(&self) -> String {
        let content = if self.has_body() {
            "\nrequest.Content = new StringContent(\"{}\", System.Text.Encoding.UTF8, \"application/json\");"
        } else {
            ""
        };
        let trust = self.with_ca(
            r#"
var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
policy.CustomTrustStore.ImportFromPemFile("server-ca.pem");
handler.SslOptions.CertificateChainPolicy = policy;"#,
        );
        format!(
            r#"{files}// Program.cs, .NET 8 or later
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

var connectTo = ""; // where the name does not resolve: "{socket}"

var certificate = X509Certificate2.CreateFromPemFile("client.crt", "client.key");
if (OperatingSystem.IsWindows()) certificate = new X509Certificate2(certificate.Export(X509ContentType.Pkcs12));
var issuers = new X509Certificate2Collection();
issuers.ImportFromPemFile("client.crt");
var handler = new SocketsHttpHandler();
handler.SslOptions.ClientCertificateContext = SslStreamCertificateContext.Create(certificate, issuers, offline: true);{trust}
if (connectTo != "")
    handler.ConnectCallback = async (context, cancellation) => {{
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) {{ NoDelay = true }};
        await socket.ConnectAsync(IPEndPoint.Parse(connectTo), cancellation);
        return new NetworkStream(socket, ownsSocket: true);
    }};
using var client = new HttpClient(handler);
var request = new HttpRequestMessage(new HttpMethod("{method}"), "{url}");{content}
var answer = await client.SendAsync(request);
Console.WriteLine($"{{(int)answer.StatusCode}} {{await answer.Content.ReadAsStringAsync()}}");
"#,
            files = self.files("//"),
            socket = self.socket(),
            method = self.method.as_str(),
            url = self.url(),
        )
    }
}
