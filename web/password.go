package web

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"

	"golang.org/x/crypto/argon2"
)

// Cost of a password hash: the least that OWASP recommends for argon2id. The numbers stand in each hash, so they can
// grow without locking anybody out.
const (
	hashMemory  = 19 * 1024 // KiB
	hashTime    = 2
	hashThreads = 1
	hashLength  = 32
	saltLength  = 16
)

// Most that a stored hash may ask for, so that a damaged row cannot take all memory.
const (
	maxHashMemory = 256 * 1024
	maxHashTime   = 16
)

// hashing bounds the hashes that are made at once, and with them the memory that sign-ins can take.
var hashing = make(chan struct{}, 2)

// HashPassword returns the argon2id hash of a password as a PHC string.
func HashPassword(password string) (string, error) {
	salt := make([]byte, saltLength)
	if _, err := rand.Read(salt); err != nil {
		return "", fmt.Errorf("make salt: %w", err)
	}
	sum := derive(password, salt, hashMemory, hashTime, hashThreads, hashLength)
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, hashMemory, hashTime, hashThreads,
		b64.EncodeToString(salt), b64.EncodeToString(sum)), nil
}

// passwordMatches reports whether the password has that hash. A hash it cannot read matches nothing.
func passwordMatches(password, phc string) bool {
	var (
		version      int
		memory, time uint32
		threads      uint8
	)
	parts := strings.Split(phc, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false
	}
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return false
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &time, &threads); err != nil {
		return false
	}
	if memory > maxHashMemory || time == 0 || time > maxHashTime || threads == 0 {
		return false
	}
	salt, errSalt := base64.RawStdEncoding.DecodeString(parts[4])
	want, errSum := base64.RawStdEncoding.DecodeString(parts[5])
	if errSalt != nil || errSum != nil || len(want) == 0 {
		return false
	}
	got := derive(password, salt, memory, time, threads, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1
}

func derive(password string, salt []byte, memory, time uint32, threads uint8, length uint32) []byte {
	hashing <- struct{}{}
	defer func() { <-hashing }()
	return argon2.IDKey([]byte(password), salt, time, memory, threads, length)
}

// nobodysHash is compared with when a user does not exist, so that the answer takes as long as for one who does.
var nobodysHash = sync.OnceValue(func() string {
	hash, err := HashPassword(rand.Text())
	if err != nil {
		panic(err) // the random source of the system is broken
	}
	return hash
})
