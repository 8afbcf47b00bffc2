// Takes hookturn's deliveries on 127.0.0.1:PORT, behind a web server that has the certificate.
//
// WEBHOOK_HOME is a directory of this program's own, with the secret in the file "secret". What is authentic is kept as
// inbox/<event id>.json and answered at once; another program works through the inbox. An event that comes again finds
// its file there. The secret is read for each delivery, so rotating means writing a new one into that file.
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	tolerance = 5 * time.Minute
	maxBody   = 1 << 20
)

var (
	home    = setting("WEBHOOK_HOME", "webhook")
	decimal = regexp.MustCompile(`^[0-9]{1,12}$`)
	eventID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
)

func setting(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

// isAuthentic says whether one of the header's v1 is this body's signature under the secret, made less than five minutes
// from now.
func isAuthentic(header string, body []byte, secret string, now time.Time) bool {
	t := "0"
	var values [][]byte
	for _, part := range strings.Split(header, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		if name == "t" && decimal.MatchString(value) {
			t = value
		} else if name == "v1" {
			values = append(values, []byte(value))
		}
	}
	seconds, _ := strconv.ParseInt(t, 10, 64)
	if now.Sub(time.Unix(seconds, 0)).Abs() > tolerance {
		return false
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(t + "."))
	mac.Write(body) // the bytes as they arrived
	expected := []byte(hex.EncodeToString(mac.Sum(nil)))
	for _, value := range values {
		if hmac.Equal(expected, value) {
			return true
		}
	}
	return false
}

// keep has the body on disk under the event's id when it returns; an event that is there already stays as it is.
func keep(inbox, id string, body []byte) error {
	draft, err := os.CreateTemp(inbox, ".draft-")
	if err != nil {
		return err
	}
	defer os.Remove(draft.Name())
	defer draft.Close()
	if _, err := draft.Write(body); err != nil {
		return err
	}
	if err := draft.Sync(); err != nil {
		return err
	}
	err = os.Link(draft.Name(), filepath.Join(inbox, id+".json")) // all of it or nothing
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	directory, err := os.Open(inbox)
	if err != nil {
		return err
	}
	defer directory.Close()
	return directory.Sync() // the name is there after a power failure as well
}

func receive(request *http.Request) (int, error) {
	if request.Method != http.MethodPost {
		return http.StatusMethodNotAllowed, nil
	}
	body, err := io.ReadAll(io.LimitReader(request.Body, maxBody+1))
	if err != nil {
		return http.StatusBadRequest, err
	}
	if len(body) > maxBody {
		return http.StatusRequestEntityTooLarge, nil
	}
	content, err := os.ReadFile(filepath.Join(home, "secret"))
	secret := strings.TrimSpace(string(content))
	if err != nil || !strings.HasPrefix(secret, "whsec_") {
		return http.StatusInternalServerError, fmt.Errorf("%s/secret holds no secret", home)
	}
	if !isAuthentic(request.Header.Get("X-Webhook-Signature"), body, secret, time.Now()) {
		return http.StatusUnauthorized, nil
	}
	id := request.Header.Get("X-Webhook-Id")
	if !eventID.MatchString(id) { // it becomes a file's name
		return http.StatusBadRequest, nil
	}
	if err := keep(filepath.Join(home, "inbox"), id, body); err != nil {
		return http.StatusInternalServerError, err // it is sent again later
	}
	return http.StatusNoContent, nil
}

func main() {
	if err := os.MkdirAll(filepath.Join(home, "inbox"), 0o700); err != nil {
		log.Fatal(err)
	}
	handler := func(response http.ResponseWriter, request *http.Request) {
		status, err := receive(request)
		if err != nil {
			log.Print(err)
		}
		response.WriteHeader(status)
	}
	server := http.Server{
		Addr:        "127.0.0.1:" + setting("PORT", "8090"),
		Handler:     http.HandlerFunc(handler),
		ReadTimeout: 30 * time.Second,
	}
	log.Fatal(server.ListenAndServe())
}
