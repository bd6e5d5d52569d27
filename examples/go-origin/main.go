// An origin that checks the session token itself. All it knows of the worker is where its public keys are.
package main

import (
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
)

type session struct {
	jwt.RegisteredClaims
	SessionID string `json:"sid"`
	Name      string `json:"name,omitempty"`
}

func main() {
	jwksURL := os.Getenv("JWKS_URL")
	if jwksURL == "" {
		jwksURL = "http://localhost:8787/auth/.well-known/jwks.json"
	}
	address, err := url.Parse(jwksURL)
	if err != nil {
		log.Fatal(err)
	}
	// Fetches the keys in the background and looks again when a token names a key it has not seen.
	keys, err := keyfunc.NewDefault([]string{jwksURL})
	if err != nil {
		log.Fatal(err)
	}
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{"ES256"}),
		jwt.WithIssuer(strings.TrimSuffix(jwksURL, "/.well-known/jwks.json")),
		jwt.WithAudience(address.Scheme+"://"+address.Host),
		jwt.WithExpirationRequired(),
	)

	// The cookie is __Secure-vipps-session where SESSION_COOKIE_DOMAIN is set.
	sessionOf := func(r *http.Request) (*session, error) {
		cookie, err := r.Cookie("__Host-vipps-session")
		if err != nil {
			return nil, err
		}
		claims := &session{}
		token, err := parser.ParseWithClaims(cookie.Value, claims, keys.Keyfunc)
		if err != nil {
			return nil, err
		}
		if token.Header["typ"] != "session+jwt" || claims.Subject == "" || claims.SessionID == "" {
			return nil, errors.New("not a session token")
		}
		return claims, nil
	}

	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		claims, err := sessionOf(r)
		if err != nil {
			w.WriteHeader(http.StatusUnauthorized)
			_ = json.NewEncoder(w).Encode(map[string]string{"error": "log in first"})
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"account": claims.Subject, "name": claims.Name})
	})
	log.Fatal(http.ListenAndServe("127.0.0.1:3000", nil))
}
