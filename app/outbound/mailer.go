package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"
	"golang.org/x/net/idna"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/config"
)

// How long the mail server may take: for one step, and for a letter from dialling to its last word.
const (
	mailStep = 30 * time.Second
	mailAll  = 60 * time.Second
)

// maxReplies bounds what a mail server may say while it takes one letter, in bytes.
const maxReplies = 1 << 20

// Mailer sends letters by a mail server. It may be used by several goroutines.
type Mailer struct {
	// Clock dates the mails. NewMailer sets it to the system's; change it before the first letter.
	Clock app.Clock

	host           string
	port           int
	encrypted      bool // TLS from the first byte, rather than STARTTLS
	user, password config.Secret
	from           netmail.Address
	domain         string // of from; letters and the List-Id are named within it
	roots          *x509.CertPool
	dial           func(ctx context.Context, network, address string) (net.Conn, error)
}

// NewMailer makes a mailer of a mail server's address, smtp:// or smtps:// with user and password when it wants them, and
// the sender. Without a sender it is what the address names as ?from=. The error repeats nothing of the address.
func NewMailer(server config.Secret, from string) (*Mailer, error) {
	u, err := url.Parse(server.Reveal())
	if err != nil || u.Scheme != "smtp" && u.Scheme != "smtps" || u.Hostname() == "" {
		return nil, errors.New("the mail server's address must be like smtps://user:password@mail.example.org:465")
	}
	m := &Mailer{Clock: time.Now, host: u.Hostname(), encrypted: u.Scheme == "smtps", dial: new(net.Dialer).DialContext}
	m.port = 587 // where mail is handed in; port 25 is for servers among themselves
	if m.encrypted {
		m.port = 465
	}
	if written := u.Port(); written != "" {
		if m.port, err = strconv.Atoi(written); err != nil || m.port < 1 || m.port > 65535 {
			return nil, errors.New("the mail server's address has a port that is none")
		}
	}
	if u.User != nil {
		password, _ := u.User.Password()
		m.user, m.password = config.Secret(u.User.Username()), config.Secret(password)
	}
	if from == "" {
		from = u.Query().Get("from")
	}
	sender, err := netmail.ParseAddress(from)
	if err != nil {
		return nil, errors.New("the sender of mails must be an e-mail address like agora@example.org, or Agora <agora@example.org>")
	}
	at := strings.LastIndexByte(sender.Address, '@') + 1
	m.domain = sender.Address[at:]
	if ascii, err := idna.ToASCII(m.domain); err == nil {
		m.domain = ascii // ids and names in headers have no other letters
	}
	m.from = netmail.Address{Name: header(sender.Name, maxName), Address: sender.Address[:at] + m.domain}
	return m, nil
}

// Send hands the letter to the mail server; without an error it is the server's from now on. The error is made by
// app.Park when this letter was refused for good; it names neither the person nor the server's words.
func (m *Mailer) Send(ctx context.Context, l Letter) error {
	message, err := m.compose(l)
	if err != nil {
		return app.Park(fmt.Errorf("writing the mail %q: %w", l.ID, err))
	}
	ctx, cancel := context.WithTimeout(ctx, mailAll)
	defer cancel()
	err = m.hand(ctx, message)
	switch {
	case err == nil, message.IsDelivered(): // a farewell that fails takes nothing back
		return nil
	case refusedForGood(err):
		return app.Park(fmt.Errorf("sending the mail %q: %w", l.ID, explained(err)))
	case ctx.Err() != nil:
		return fmt.Errorf("sending the mail %q: %w", l.ID, ctx.Err())
	}
	return fmt.Errorf("sending the mail %q: %w", l.ID, explained(err))
}

// hand makes one connection for one mail and ends it, whatever happens.
func (m *Mailer) hand(ctx context.Context, message *mail.Msg) error {
	var opened net.Conn
	defer func() {
		if opened != nil {
			_ = opened.Close() // the library leaves it open when the server's first words are not to its liking
		}
	}()
	stop := func() bool { return true }
	defer func() { stop() }()
	dial := func(dialling context.Context, network, address string) (net.Conn, error) {
		conn, err := m.dial(dialling, network, address)
		if err != nil {
			return nil, err
		}
		opened = &boundedConn{Conn: conn, left: maxReplies}
		stop = context.AfterFunc(ctx, func() { _ = conn.Close() }) // the library heeds the context only while it dials
		if !m.encrypted {
			return opened, nil
		}
		secured := tls.Client(opened, m.tls())
		return secured, secured.HandshakeContext(dialling)
	}
	client, err := mail.NewClient(m.host, m.options(dial, message)...)
	if err != nil {
		return err
	}
	return client.DialAndSendWithContext(ctx, message)
}

// options are how to speak with the mail server.
func (m *Mailer) options(dial mail.DialContextFunc, message *mail.Msg) []mail.Option {
	options := []mail.Option{
		mail.WithPort(m.port), mail.WithTimeout(mailStep), mail.WithHELO(m.domain), mail.WithDialContextFunc(dial),
		mail.WithTLSConfig(m.tls()), mail.WithoutNoop(), mail.WithoutRset(),
	}
	if recipients, err := message.GetRecipients(); err == nil && isASCII(m.from.Address+strings.Join(recipients, "")) {
		options = append(options, mail.WithoutSMTPUTF8()) // not every server on the way knows it
	}
	switch {
	case m.encrypted:
		options = append(options, mail.WithSSL())
	case m.user.IsSet() && !isLoopback(m.host):
		// A password is not sent in clear, even when somebody in between hides that the server offers STARTTLS.
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	default:
		options = append(options, mail.WithTLSPolicy(mail.TLSOpportunistic))
	}
	if m.user.IsSet() {
		options = append(options, mail.WithOpportunisticSMTPAuth(mail.SMTPAuthPlain, mail.SMTPAuthLogin),
			mail.WithUsername(m.user.Reveal()), mail.WithPassword(m.password.Reveal()))
	}
	return options
}

func (m *Mailer) tls() *tls.Config {
	return &tls.Config{ServerName: m.host, MinVersion: tls.VersionTLS12, RootCAs: m.roots}
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r > 0x7e })
}

// boundedConn ends when the other side has said too much.
type boundedConn struct {
	net.Conn
	left int
}

func (c *boundedConn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errors.New("the mail server says too much")
	}
	n, err := c.Conn.Read(p)
	c.left -= n
	return n, err
}
