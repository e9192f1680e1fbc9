package outbound_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log"
	"math/big"
	"mime/multipart"
	"net"
	netmail "net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/agora-rfc/agora/app/outbound"
	"github.com/agora-rfc/agora/config"
)

// now is the time of every letter.
var now = time.Date(2026, 10, 12, 18, 0, 0, 0, time.UTC)

// postOffice is a real mail server in this process.
type postOffice struct {
	address string
	server  *smtp.Server
	roots   *x509.CertPool

	// What it answers instead of taking a mail, by command: MAIL, RCPT, DATA, AUTH.
	refuse map[string]*smtp.SMTPError
	// mechanisms are those of AUTH that it offers; it knows maya with the password hunter2.
	mechanisms []string
	// stall comes before the answer to RCPT.
	stall func()

	mu        sync.Mutex
	mails     []delivered
	logins    []string // what AUTH was given, user and password
	encrypted bool     // the last mail came over TLS
}

type delivered struct {
	from, to string
	raw      []byte
}

// serve starts the post office; change makes it another than one without TLS and AUTH.
func serve(t *testing.T, change func(*postOffice, *smtp.Server)) *postOffice {
	t.Helper()
	office := &postOffice{refuse: map[string]*smtp.SMTPError{}}
	office.server = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &session{office: office, conn: c}, nil
	}))
	office.server.Domain = "mail.example.org"
	office.server.AllowInsecureAuth = true
	office.server.ErrorLog = log.New(io.Discard, "", 0)
	if change != nil {
		change(office, office.server)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	office.address = listener.Addr().String()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = office.server.Serve(listener)
	}()
	t.Cleanup(func() {
		_ = office.server.Close()
		_ = listener.Close() // which the server does not know when it never came to serve
		<-done
	})
	return office
}

// mailer is one that writes to the post office under a name, smtp://mail.example.org for one.
func (o *postOffice) mailer(t *testing.T, server string) *outbound.Mailer {
	t.Helper()
	m, err := outbound.NewMailer(config.Secret(server), "Agora <agora@agora.example.org>")
	if err != nil {
		t.Fatal(err)
	}
	m.Clock = func() time.Time { return now }
	m.Reach(o.address, o.roots)
	return m
}

// only is the one mail that came.
func (o *postOffice) only(t *testing.T) delivered {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.mails) != 1 {
		t.Fatalf("%d mails came, want one", len(o.mails))
	}
	return o.mails[0]
}

type session struct {
	office   *postOffice
	conn     *smtp.Conn
	from, to string
}

func (s *session) refused(command string) error {
	if refusal := s.office.refuse[command]; refusal != nil {
		return refusal
	}
	return nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.from = from
	return s.refused("MAIL")
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if s.office.stall != nil {
		s.office.stall()
	}
	s.to = to
	return s.refused("RCPT")
}

func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := s.refused("DATA"); err != nil {
		return err
	}
	_, encrypted := s.conn.TLSConnectionState()
	s.office.mu.Lock()
	defer s.office.mu.Unlock()
	s.office.encrypted = encrypted
	s.office.mails = append(s.office.mails, delivered{s.from, s.to, raw})
	return nil
}

func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }

func (s *session) AuthMechanisms() []string { return s.office.mechanisms }

func (s *session) Auth(mechanism string) (sasl.Server, error) {
	check := func(user, password string) error {
		s.office.mu.Lock()
		defer s.office.mu.Unlock()
		s.office.logins = append(s.office.logins, user+":"+password)
		if err := s.refused("AUTH"); err != nil {
			return err
		}
		if user != "maya" || password != "hunter2" {
			return errors.New("wrong")
		}
		return nil
	}
	if mechanism == "LOGIN" {
		return &loginServer{check: check}, nil
	}
	return sasl.NewPlainServer(func(_, user, password string) error { return check(user, password) }), nil
}

// loginServer is AUTH LOGIN, which go-sasl offers to clients only.
type loginServer struct {
	check func(user, password string) error
	step  int
	user  string
}

func (s *loginServer) Next(response []byte) (challenge []byte, done bool, err error) {
	s.step++
	switch s.step {
	case 1:
		return []byte("Username:"), false, nil
	case 2:
		s.user = string(response)
		return []byte("Password:"), false, nil
	}
	return nil, true, s.check(s.user, string(response))
}

// certified gives the post office a certificate for mail.example.org.
func certified(t *testing.T) func(*postOffice, *smtp.Server) {
	t.Helper()
	certificate, roots := certificate(t, "mail.example.org")
	return func(o *postOffice, s *smtp.Server) {
		o.roots = roots
		s.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	}
}

func certificate(t *testing.T, name string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

// opened is a mail as its reader's program sees it.
type opened struct {
	header     netmail.Header
	text, html string
}

func open(t *testing.T, raw []byte) opened {
	t.Helper()
	message, err := netmail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("reading the mail: %v\n%s", err, raw)
	}
	mediaType, boundary, _ := strings.Cut(message.Header.Get("Content-Type"), "; boundary=")
	if mediaType != "multipart/alternative" {
		t.Fatalf("Content-Type = %q", mediaType)
	}
	mail := opened{header: message.Header}
	reader := multipart.NewReader(message.Body, boundary)
	for _, part := range []struct {
		mediaType string
		into      *string
	}{{"text/plain; charset=UTF-8", &mail.text}, {"text/html; charset=UTF-8", &mail.html}} {
		p, err := reader.NextPart() // undoes quoted-printable
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Header.Get("Content-Type"); got != part.mediaType {
			t.Errorf("a part is %q, want %q", got, part.mediaType)
		}
		body, err := io.ReadAll(p)
		if err != nil {
			t.Fatal(err)
		}
		*part.into = strings.ReplaceAll(string(body), "\r\n", "\n")
	}
	if _, err := reader.NextPart(); err != io.EOF {
		t.Errorf("a third part, or garbage: %v", err)
	}
	return mail
}

// send sends the letter and opens it as it came.
func send(t *testing.T, l outbound.Letter) opened {
	t.Helper()
	office := serve(t, nil)
	if err := office.mailer(t, "smtp://mail.example.org").Send(context.Background(), l); err != nil {
		t.Fatalf("Send: %v", err)
	}
	return open(t, office.only(t).raw)
}
