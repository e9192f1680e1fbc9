package outbound

import (
	"context"
	"crypto/x509"
	"net"
)

// Reach makes a mailer find its server, whatever its name, at an address, and trust certificates of these roots.
func (m *Mailer) Reach(address string, roots *x509.CertPool) {
	m.roots = roots
	m.dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}
}

// Guard judges an address as one that a webhook dials.
func Guard(address string) error { return guard(nil).Safe("tcp6", address, nil) }
