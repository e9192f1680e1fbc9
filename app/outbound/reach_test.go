package outbound_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"code.dny.dev/ssrf"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/agora-rfc/agora/app/outbound"
	"github.com/agora-rfc/agora/config"
)

var discard = log.New(io.Discard, "", 0)

// answers are the addresses of a name, look-up by look-up; the last stays.
type answers [][]string

// names is a resolver with a name server in this process, which knows only these names.
func names(t *testing.T, known map[string]answers) *net.Resolver {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		asked := map[string]int{}
		buffer := make([]byte, 1500)
		for {
			n, from, err := server.ReadFrom(buffer)
			if err != nil {
				return
			}
			var message dnsmessage.Message
			if err := message.Unpack(buffer[:n]); err != nil || len(message.Questions) != 1 {
				continue
			}
			answerTo(&message, known, asked)
			packed, err := message.Pack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = server.WriteTo(packed, from)
		}
	}()
	t.Cleanup(func() { _ = server.Close(); <-done })
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
}

// answerTo answers a question for A or AAAA records; each type has its own count of look-ups.
func answerTo(message *dnsmessage.Message, known map[string]answers, asked map[string]int) {
	question := message.Questions[0]
	message.Response, message.RecursionAvailable, message.Additionals = true, true, nil
	lookups, exists := known[question.Name.String()]
	if !exists {
		message.RCode = dnsmessage.RCodeNameError
		return
	}
	key := question.Type.String() + question.Name.String()
	turn := min(asked[key], len(lookups)-1)
	asked[key]++
	for _, text := range lookups[turn] {
		address := netip.MustParseAddr(text)
		header := dnsmessage.ResourceHeader{Name: question.Name, Class: dnsmessage.ClassINET}
		switch {
		case question.Type == dnsmessage.TypeA && address.Is4():
			message.Answers = append(message.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AResource{A: address.As4()}})
		case question.Type == dnsmessage.TypeAAAA && address.Is6():
			message.Answers = append(message.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AAAAResource{AAAA: address.As16()}})
		}
	}
}

// inner is a service that must never be reached; it counts the connections it gets.
type inner struct {
	port     string
	accepted atomic.Int32
}

// listen opens the same port on both loopbacks. Where this machine has no IPv6, the second is not there to be reached.
func listen(t *testing.T) *inner {
	t.Helper()
	service := &inner{}
	first, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, service.port, _ = net.SplitHostPort(first.Addr().String())
	listeners := []net.Listener{first}
	if second, err := net.Listen("tcp6", "[::1]:"+service.port); err == nil {
		listeners = append(listeners, second)
	}
	var accepting sync.WaitGroup
	for _, listener := range listeners {
		accepting.Go(func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				service.accepted.Add(1)
				_ = conn.Close()
			}
		})
	}
	t.Cleanup(func() {
		for _, listener := range listeners {
			_ = listener.Close()
		}
		accepting.Wait()
	})
	return service
}

// attack posts and expects that nothing comes of it.
func attack(t *testing.T, service *inner, options outbound.PosterOptions, address string) {
	t.Helper()
	err := outbound.NewPoster(options).Post(t.Context(), config.Webhook{Name: "attack", URL: config.Secret(address)}, outbound.Message{ID: "m.1", At: now})
	if err == nil {
		t.Errorf("%s: posted", address)
	}
	if n := service.accepted.Load(); n != 0 {
		t.Fatalf("%s: %d connections were opened (%v)", address, n, err)
	}
	if !strings.HasPrefix(address, "http://receiver") && !errors.Is(err, ssrf.ErrProhibitedIP) {
		t.Errorf("%s: %v, want that the address is refused", address, err)
	}
}

// TestInnerAddressesAreNeverDialled: as addresses, however they are written, and as names that lead to them.
func TestInnerAddressesAreNeverDialled(t *testing.T) {
	t.Parallel()
	service := listen(t)
	for _, host := range []string{
		"127.0.0.1", "127.1.2.3", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "[64:ff9b::127.0.0.1]", "[64:ff9b:1::7f00:1]",
		"[2002:7f00:1::]", "[::127.0.0.1]", "[::]", "0.0.0.0", "169.254.169.254", "10.0.0.1", "[fd00::1]", "[fe80::1%25lo]", "[fec0::1]",
	} {
		attack(t, service, outbound.PosterOptions{}, "http://"+host+":"+service.port+"/")
		attack(t, service, outbound.PosterOptions{}, "https://"+host+":"+service.port+"/")
	}
	for name, addresses := range map[string]answers{
		"inner.example.org.": {{"127.0.0.1"}}, "inner6.example.org.": {{"::1"}}, "both.example.org.": {{"::1", "127.0.0.1"}},
		"metadata.example.org.": {{"169.254.169.254"}}, "mapped.example.org.": {{"::ffff:127.0.0.1"}}, "nat64.example.org.": {{"64:ff9b::7f00:1"}},
		"localhost.": {{"127.0.0.1", "::1"}},
	} {
		resolver := names(t, map[string]answers{name: addresses})
		attack(t, service, outbound.PosterOptions{Resolver: resolver}, "http://"+name+":"+service.port+"/")
	}
}

// TestRebindingName: the name leads to the internet when it is checked, and inside when it is dialled.
func TestRebindingName(t *testing.T) {
	t.Parallel()
	service := listen(t)
	resolver := names(t, map[string]answers{"rebinds.example.org.": {{"93.184.215.14"}, {"127.0.0.1"}}})
	first, err := resolver.LookupNetIP(t.Context(), "ip4", "rebinds.example.org.")
	if err != nil || len(first) != 1 || outbound.Guard(net.JoinHostPort(first[0].String(), "80")) != nil {
		t.Fatalf("the first look-up = %v, %v; it should be harmless", first, err)
	}
	attack(t, service, outbound.PosterOptions{Resolver: resolver}, "http://rebinds.example.org.:"+service.port+"/")
}

// TestRedirectsAreNotFollowed: even where the webhook may reach the address, and nowhere else.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	service := listen(t)
	for _, host := range []string{"127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "169.254.169.254"} {
		for _, code := range []int{301, 302, 303, 307, 308} {
			url, _ := receiver(t, func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "http://"+host+":"+service.port+"/", code)
			})
			err := outbound.NewPoster(loopback).Post(t.Context(), config.Webhook{URL: config.Secret(url)}, outbound.Message{ID: "m.1", At: now})
			if n := service.accepted.Load(); err == nil || n != 0 {
				t.Fatalf("a redirect to %s: %v, and %d connections", host, err, n)
			}
		}
	}
}

// TestAllowedByOneWebhook: what one may reach, another may not, by the same Poster.
func TestAllowedByOneWebhook(t *testing.T) {
	t.Parallel()
	url, requests := receiver(t, status(http.StatusOK))
	poster, message := outbound.NewPoster(outbound.PosterOptions{}), outbound.Message{ID: "m.1", At: now}
	if err := poster.Post(t.Context(), config.Webhook{URL: config.Secret(url), Allow: loopback.Allow}, message); err != nil {
		t.Error(err)
	}
	if err := poster.Post(t.Context(), config.Webhook{URL: config.Secret(url)}, message); !errors.Is(err, ssrf.ErrProhibitedIP) || len(requests) != 1 {
		t.Errorf("Post = %v, and %d requests came", err, len(requests))
	}
}

// TestProxyOfTheEnvironmentIsNotUsed: it would look up and dial where we may not.
func TestProxyOfTheEnvironmentIsNotUsed(t *testing.T) {
	service := listen(t)
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY"} {
		t.Setenv(name, "http://127.0.0.1:"+service.port)
	}
	resolver := names(t, map[string]answers{"inner.example.org.": {{"10.0.0.1"}}})
	attack(t, service, outbound.PosterOptions{Resolver: resolver, Allow: loopback.Allow}, "http://inner.example.org.:80/")
}

// special are the ranges that must be refused, all of them, and whether their first and last addresses are.
var special = []string{
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
	"192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "255.255.255.255/32",
	"::/96", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/32", "2001:2::/48", "2001:10::/28", "2001:db8::/32", "2002::/16", "3fff::/20",
	"5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
}

func TestSpecialRangesAreRefused(t *testing.T) {
	t.Parallel()
	for _, text := range special {
		prefix := netip.MustParsePrefix(text)
		last := prefix.Addr().AsSlice()
		for i := prefix.Bits(); i < 8*len(last); i++ {
			last[i/8] |= 0x80 >> (i % 8)
		}
		end, _ := netip.AddrFromSlice(last)
		for _, address := range []netip.Addr{prefix.Addr(), prefix.Addr().Next(), end.Prev(), end} {
			if prefix.Contains(address) && outbound.Guard(netip.AddrPortFrom(address, 443).String()) == nil {
				t.Errorf("%s, in %s, may be reached", address, prefix)
			}
		}
	}
	for _, public := range []string{"1.1.1.1", "93.184.215.14", "172.15.255.255", "172.32.0.0", "100.63.255.255", "100.128.0.0", "223.255.255.255", "2606:4700::1111", "2a00:1450::1"} {
		if err := outbound.Guard(netip.AddrPortFrom(netip.MustParseAddr(public), 8443).String()); err != nil {
			t.Errorf("%s: %v", public, err)
		}
	}
}

// FuzzGuard holds the library's lists against what the standard library knows of addresses, also of those inside others.
func FuzzGuard(f *testing.F) {
	for _, text := range special {
		address := netip.MustParsePrefix(text).Addr().As16()
		f.Add(binary.BigEndian.Uint64(address[:8]), binary.BigEndian.Uint64(address[8:]))
	}
	f.Fuzz(func(t *testing.T, high, low uint64) {
		var bytes [16]byte
		binary.BigEndian.PutUint64(bytes[:8], high)
		binary.BigEndian.PutUint64(bytes[8:], low)
		v6 := netip.AddrFrom16(bytes)
		v4 := netip.AddrFrom4([4]byte(bytes[12:]))
		for _, address := range []netip.Addr{v6, v4, v6.Unmap()} {
			refused := outbound.Guard(netip.AddrPortFrom(address, 443).String()) != nil
			inside := !address.IsGlobalUnicast() || address.IsPrivate() || address.Is4In6() || address.IsLoopback() || address.IsLinkLocalUnicast()
			if inside && !refused {
				t.Errorf("%s may be reached", address)
			}
		}
	})
}
