package auth

import (
	"testing"

	"github.com/alexedwards/argon2id"
)

// Otherwise the time of an answer would tell who exists.
func TestNobodysHashCostsAsMuchAsAnybodys(t *testing.T) {
	t.Parallel()
	somebodys, err := Hash("secret")
	if err != nil {
		t.Fatal(err)
	}
	want, salt, key, err := argon2id.DecodeHash(somebodys)
	if err != nil {
		t.Fatal(err)
	}
	nobodys, err := nobodysHash()
	if err != nil {
		t.Fatal(err)
	}
	got, nobodysSalt, nobodysKey, err := argon2id.DecodeHash(nobodys)
	if err != nil || *got != *want || len(nobodysSalt) != len(salt) || len(nobodysKey) != len(key) {
		t.Errorf("%s and %s differ in more than chance, %v", nobodys, somebodys, err)
	}
	if same, err := argon2id.ComparePasswordAndHash("secret", nobodys); same || err != nil {
		t.Errorf("it matches a secret: %v, %v", same, err)
	}
}
