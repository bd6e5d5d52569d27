// An origin that checks the session token itself, with what comes with Go. All it knows of the worker is where its
// public keys are.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"
)

const (
	// After which the keys are fetched anew.
	keysKept = 5 * time.Minute
	// Between two requests for keys, whatever tokens say and whatever the worker answers.
	cooldown = 30 * time.Second
	// No two clocks agree, and a token is used in the second it was signed.
	tolerance = 60
)

// keySet holds the worker's public keys: fetched once, kept, and looked for again when a token names one not seen yet.
type keySet struct {
	url            string
	client         http.Client
	lock           sync.Mutex
	keys           map[string]*ecdsa.PublicKey
	asked, fetched time.Time
}

func (set *keySet) find(kid string) *ecdsa.PublicKey {
	set.lock.Lock()
	defer set.lock.Unlock()
	_, known := set.keys[kid]
	now := time.Now()
	if (!known || now.Sub(set.fetched) > keysKept) && now.Sub(set.asked) > cooldown {
		set.asked = now
		// The keys there are go on while the worker does not answer.
		if keys, err := set.fetch(); err == nil {
			set.keys, set.fetched = keys, now
		}
	}
	return set.keys[kid]
}

func (set *keySet) fetch() (map[string]*ecdsa.PublicKey, error) {
	answer, err := set.client.Get(set.url)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("keys: %s", answer.Status)
	}
	var document struct {
		Keys []struct{ Kid, Kty, Crv, X, Y string }
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, 1<<16)).Decode(&document); err != nil {
		return nil, err
	}
	keys := map[string]*ecdsa.PublicKey{}
	for _, key := range document.Keys {
		x, errX := base64.RawURLEncoding.DecodeString(key.X)
		y, errY := base64.RawURLEncoding.DecodeString(key.Y)
		public := &ecdsa.PublicKey{Curve: elliptic.P256(), X: new(big.Int).SetBytes(x), Y: new(big.Int).SetBytes(y)}
		if key.Kty == "EC" && key.Crv == "P-256" && errX == nil && errY == nil && public.Curve.IsOnCurve(public.X, public.Y) {
			keys[key.Kid] = public
		}
	}
	return keys, nil
}

type session struct {
	Issuer    string  `json:"iss"`
	Audience  string  `json:"aud"`
	Subject   string  `json:"sub"`
	ID        string  `json:"sid"`
	Name      string  `json:"name"`
	IssuedAt  float64 `json:"iat"`
	NotBefore float64 `json:"nbf"`
	Expires   float64 `json:"exp"`
}

type origin struct {
	keys         *keySet
	issuer, site string
}

// decode reads one part of a token into a value.
func decode(part string, into any) bool {
	text, err := base64.RawURLEncoding.DecodeString(part)
	return err == nil && json.Unmarshal(text, into) == nil
}

// verified returns the claims of a session token, or nil.
func (o *origin) verified(token string) *session {
	parts := strings.Split(token, ".")
	if len(parts) != 3 || len(token) > 8192 {
		return nil
	}
	var header struct {
		Algorithm string          `json:"alg"`
		Type      string          `json:"typ"`
		KeyID     string          `json:"kid"`
		Critical  json.RawMessage `json:"crit"`
	}
	if !decode(parts[0], &header) || header.Algorithm != "ES256" || header.Type != "session+jwt" || header.Critical != nil {
		return nil
	}
	key := o.keys.find(header.KeyID)
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if key == nil || err != nil || len(signature) != 64 {
		return nil
	}
	// RFC 7518 section 3.4: the two numbers one after the other.
	r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	claims := &session{}
	if !ecdsa.Verify(key, digest[:], r, s) || !decode(parts[1], claims) {
		return nil
	}
	now := float64(time.Now().Unix())
	if claims.Expires+tolerance <= now || claims.IssuedAt-tolerance > now || claims.NotBefore-tolerance > now {
		return nil
	}
	if claims.Issuer != o.issuer || claims.Audience != o.site || claims.Subject == "" || claims.ID == "" {
		return nil
	}
	return claims
}

// sessionOf says who is asking; nobody where two sessions are sent, of which one must have been planted. The cookie is
// __Secure-vipps-session where SESSION_COOKIE_DOMAIN is set.
func (o *origin) sessionOf(r *http.Request) *session {
	found := map[string]*session{}
	tried := map[string]bool{}
	for _, cookie := range r.Cookies() {
		// Browsers send two at most; more is somebody's attempt to keep us busy.
		if cookie.Name != "__Host-vipps-session" || tried[cookie.Value] || len(tried) == 4 {
			continue
		}
		tried[cookie.Value] = true
		if claims := o.verified(cookie.Value); claims != nil {
			found[claims.ID] = claims
		}
	}
	if len(found) != 1 {
		return nil
	}
	for _, claims := range found {
		return claims
	}
	return nil
}

func (o *origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	claims := o.sessionOf(r)
	if claims == nil {
		w.WriteHeader(http.StatusUnauthorized)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": "log in first"})
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]string{"account": claims.Subject, "name": claims.Name})
}

func setting(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

func main() {
	jwksURL := setting("JWKS_URL", "http://localhost:8787/auth/.well-known/jwks.json")
	address, err := url.Parse(jwksURL)
	if err != nil {
		log.Fatal(err)
	}
	handler := &origin{
		keys:   &keySet{url: jwksURL, client: http.Client{Timeout: 5 * time.Second}},
		issuer: strings.TrimSuffix(jwksURL, "/.well-known/jwks.json"),
		site:   address.Scheme + "://" + address.Host,
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+setting("PORT", "3000"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("http://localhost:%d\n", listener.Addr().(*net.TCPAddr).Port)
	log.Fatal(http.Serve(listener, handler))
}
