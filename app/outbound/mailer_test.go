package outbound_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/emersion/go-smtp"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/outbound"
	"github.com/agora-rfc/agora/config"
)

func TestMailServers(t *testing.T) {
	t.Parallel()
	offers := func(mechanisms ...string) func(*postOffice, *smtp.Server) {
		return func(o *postOffice, _ *smtp.Server) { o.mechanisms = mechanisms }
	}
	both := func(changes ...func(*postOffice, *smtp.Server)) func(*postOffice, *smtp.Server) {
		return func(o *postOffice, s *smtp.Server) {
			for _, change := range changes {
				change(o, s)
			}
		}
	}
	for _, test := range []struct {
		name, server string
		office       func(*postOffice, *smtp.Server)
		encrypted    bool
		login        string
	}{
		{"plain", "smtp://mail.example.org", nil, false, ""},
		{"STARTTLS when it is offered", "smtp://mail.example.org", certified(t), true, ""},
		{"AUTH PLAIN over STARTTLS", "smtp://maya:hunter2@mail.example.org", both(certified(t), offers("PLAIN")), true, "maya:hunter2"},
		{"AUTH LOGIN over STARTTLS", "smtp://maya:hunter2@mail.example.org", both(certified(t), offers("LOGIN")), true, "maya:hunter2"},
		{"AUTH to this machine", "smtp://maya:hunter2@127.0.0.1", offers("PLAIN"), false, "maya:hunter2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			office := serve(t, test.office)
			if err := office.mailer(t, test.server).Send(t.Context(), notification()); err != nil {
				t.Fatal(err)
			}
			office.only(t)
			if office.encrypted != test.encrypted || strings.Join(office.logins, " ") != test.login {
				t.Errorf("encrypted = %t, logins = %q", office.encrypted, office.logins)
			}
		})
	}
}

func TestTLSFromTheFirstByte(t *testing.T) {
	t.Parallel()
	own, roots := certificate(t, "mail.example.org")
	office := serve(t, func(o *postOffice, _ *smtp.Server) { o.mechanisms = []string{"PLAIN"} })
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{own}})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = office.server.Serve(listener)
	}()
	t.Cleanup(func() { _ = listener.Close(); <-done })
	mailer := office.mailer(t, "smtps://maya:hunter2@mail.example.org")
	mailer.Reach(listener.Addr().String(), roots)
	if err := mailer.Send(t.Context(), notification()); err != nil {
		t.Fatal(err)
	}
	if office.only(t); !office.encrypted || !slices.Equal(office.logins, []string{"maya:hunter2"}) {
		t.Errorf("encrypted = %t, logins = %q", office.encrypted, office.logins)
	}
	mailer.Reach(listener.Addr().String(), nil) // a certificate of nobody we trust
	if err := mailer.Send(t.Context(), notification()); err == nil || app.Parked(err) {
		t.Errorf("a stranger's certificate: %v", err)
	}
}

// TestPasswordIsNeverSentInClear: neither when the server offers no STARTTLS, nor when its certificate is another's.
func TestPasswordIsNeverSentInClear(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*postOffice, *smtp.Server){
		"no STARTTLS":         func(*postOffice, *smtp.Server) {},
		"another certificate": func(o *postOffice, s *smtp.Server) { certified(t)(o, s); o.roots = nil },
	} {
		office := serve(t, func(o *postOffice, s *smtp.Server) {
			change(o, s)
			o.mechanisms = []string{"PLAIN", "LOGIN"}
		})
		err := office.mailer(t, "smtp://maya:hunter2@mail.example.org").Send(t.Context(), notification())
		if err == nil || app.Parked(err) || len(office.logins)+len(office.mails) != 0 {
			t.Errorf("%s: Send = %v; the server saw the logins %q", name, err, office.logins)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		command string
		code    int
		parked  bool
	}{
		{"RCPT", 450, false}, {"RCPT", 451, false}, {"RCPT", 421, false}, {"RCPT", 452, false},
		{"RCPT", 550, true}, {"RCPT", 551, true}, {"RCPT", 553, true}, {"RCPT", 501, true}, {"RCPT", 556, true},
		{"RCPT", 530, false}, {"RCPT", 503, false},
		{"DATA", 451, false}, {"DATA", 452, false}, {"DATA", 552, true}, {"DATA", 554, true},
		{"MAIL", 451, false}, {"MAIL", 530, false}, {"MAIL", 550, false}, {"MAIL", 553, false}, {"MAIL", 552, true},
		{"AUTH", 454, false}, {"AUTH", 535, false}, {"AUTH", 534, false}, {"AUTH", 550, false},
	} {
		t.Run(fmt.Sprint(test.command, test.code), func(t *testing.T) {
			t.Parallel()
			office := serve(t, func(o *postOffice, _ *smtp.Server) {
				o.mechanisms = []string{"PLAIN"}
				o.refuse[test.command] = &smtp.SMTPError{
					Code: test.code, EnhancedCode: smtp.EnhancedCode{test.code / 100, 1, 1}, Message: "no such user maya@example.org, hunter2",
				}
			})
			err := office.mailer(t, "smtp://maya:hunter2@localhost").Send(t.Context(), notification())
			if err == nil || app.Parked(err) != test.parked {
				t.Fatalf("Send = %v, parked = %t, want %t", err, app.Parked(err), test.parked)
			}
			for _, want := range []string{"notification.4711.12", fmt.Sprint(test.code)} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %s", err, want)
				}
			}
			for _, private := range []string{"maya", "example.org", "hunter2"} {
				if strings.Contains(err.Error(), private) {
					t.Errorf("%q tells %s", err, private)
				}
			}
		})
	}
}

// TestNoMailServer: what does not answer, or not as a mail server, may do so later.
func TestNoMailServer(t *testing.T) {
	t.Parallel()
	for name, says := range map[string]string{
		"hangs up": "", "another protocol": "HTTP/1.1 400 Bad Request\r\n\r\n", "takes no mail": "521 example.org takes no mail maya\r\n",
		"without end": strings.Repeat("220-"+strings.Repeat("hunter2", 100)+"\r\n", 5000),
	} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte(says))
			_ = conn.Close()
		}()
		mailer, err := outbound.NewMailer("smtp://mail.example.org", "agora@example.org")
		if err != nil {
			t.Fatal(err)
		}
		mailer.Reach(listener.Addr().String(), nil)
		if err := mailer.Send(t.Context(), notification()); err == nil || app.Parked(err) || len(err.Error()) > 500 || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: Send = %v", name, err)
		}
		_ = listener.Close()
		<-done
		if err := mailer.Send(t.Context(), notification()); err == nil || app.Parked(err) {
			t.Errorf("nobody listens: Send = %v", err)
		}
	}
}

func TestSendEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	never := make(chan struct{})
	office := serve(t, func(o *postOffice, _ *smtp.Server) {
		o.stall = func() { cancel(); <-never }
	})
	t.Cleanup(func() { close(never) }) // before the server ends
	err := office.mailer(t, "smtp://mail.example.org").Send(ctx, notification())
	if !errors.Is(err, context.Canceled) || app.Parked(err) {
		t.Errorf("Send = %v, want the context's error", err)
	}
}

func TestUnusableAddressIsParked(t *testing.T) {
	t.Parallel()
	office := serve(t, nil)
	for _, to := range []string{"", "maya", "maya@", "a@example.org, b@example.org", "a@example.org\r\nRCPT TO:<b@example.org>", "\"a\r\nb\"@example.org"} {
		letter := notification()
		letter.To = to
		if err := office.mailer(t, "smtp://mail.example.org").Send(t.Context(), letter); !app.Parked(err) || to != "" && strings.Contains(err.Error(), to) {
			t.Errorf("%q: Send = %v", to, err)
		}
	}
	if len(office.mails) != 0 {
		t.Errorf("mails came: %+v", office.mails)
	}
}

func TestMailerAddresses(t *testing.T) {
	t.Parallel()
	for _, bad := range []struct{ server, from string }{
		{"", "agora@example.org"}, {"mail.example.org:25", "agora@example.org"}, {"http://u:hunter2@mail.example.org", "agora@example.org"},
		{"smtp://u:hunter2@", "agora@example.org"}, {"smtp://u:hunter2@mail.example.org:0", "agora@example.org"},
		{"smtp://u:hunter2@mail.example.org:99999", "agora@example.org"}, {"smtp://u:hunter2@mail.example.org/%zz", "agora@example.org"},
		{"smtp://mail.example.org", ""}, {"smtp://mail.example.org", "agora"}, {"smtp://mail.example.org", "a@example.org\nBcc: b@example.org"},
		{"smtp://mail.example.org?from=nobody", ""},
	} {
		if _, err := outbound.NewMailer(config.Secret(bad.server), bad.from); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("NewMailer(%q, %q) = %v", bad.server, bad.from, err)
		}
	}
	for _, test := range []struct{ server, from, want string }{
		{"smtp://mail.example.org?from=rfc@example.org", "", "<rfc@example.org>"},
		{"smtp://mail.example.org?from=rfc@example.org", "other@example.org", "<other@example.org>"},
		{"smtp://mail.example.org", "Größe <agora@größe.example.org>", "=?utf-8?q?Gr=C3=B6=C3=9Fe?= <agora@xn--gre-6ka8i.example.org>"},
	} {
		office := serve(t, nil)
		mailer, err := outbound.NewMailer(config.Secret(test.server), test.from)
		if err != nil {
			t.Fatal(err)
		}
		mailer.Reach(office.address, nil)
		if err := mailer.Send(t.Context(), notification()); err != nil {
			t.Fatal(err)
		}
		if got := open(t, office.only(t).raw).header.Get("From"); got != test.want {
			t.Errorf("NewMailer(%q, %q): From = %q, want %q", test.server, test.from, got, test.want)
		}
	}
}
