package aggregate_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"sync"
	"testing"

	"importledger/aggregate"
	"importledger/events"

	"github.com/google/uuid"
)

func TestNxIDIsAUUIDv8OfTheKeyedHash(t *testing.T) {
	t.Parallel()
	mac := hmac.New(sha256.New, []byte("secret"))
	mac.Write([]byte("email\x00jane@example.com"))
	sum := mac.Sum(nil)
	got := aggregate.NewIdentity([]byte("secret")).NxID(events.Email, "jane@example.com")
	if got.Version() != 8 || got.Variant() != uuid.RFC4122 {
		t.Errorf("%s: version %d, variant %s", got, got.Version(), got.Variant())
	}
	for i := range got {
		mask := map[int]byte{6: 0x0f, 8: 0x3f}[i]
		if mask == 0 {
			mask = 0xff
		}
		if got[i]&mask != sum[i]&mask {
			t.Fatalf("byte %d of %s is not that of %x", i, got, sum)
		}
	}
}

// What is stored is never recomputed, so that this value may never change.
func TestNxIDStaysTheSameForEver(t *testing.T) {
	t.Parallel()
	if got, want := aggregate.NewIdentity([]byte("secret")).NxID(events.Phone, "32478112233").String(), "5cd1c9a0-41b5-848e-995a-64ae29cd08f3"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestNxIDDependsOnKeyIdentifierAndKey(t *testing.T) {
	t.Parallel()
	id := aggregate.NewIdentity([]byte("secret"))
	a := id.NxID(events.Phone, "32478112233")
	if a == id.NxID(events.ExternalID, "32478112233") || a == aggregate.NewIdentity([]byte("other")).NxID(events.Phone, "32478112233") {
		t.Error("two identities agree on a contact")
	}
}

func TestFindUnderstandsWhatAPersonWrites(t *testing.T) {
	t.Parallel()
	id := aggregate.NewIdentity([]byte("secret"))
	for _, c := range []struct{ key, country, canonical string }{
		{events.Email, "", "jane.doe@xn--bcher-kva.example"}, {events.Phone, "BE", "32478112233"}, {events.ExternalID, "", "C-1"},
	} {
		spellings := map[string][]string{
			events.Email:      {"jane.doe@bücher.example", " JANE.Doe@Bücher.Example ", `"jane.doe"@bücher.example`, `"jane\.doe"@xn--bcher-kva.example`},
			events.Phone:      {"32478112233", "+32 478 11 22 33", "0478 11 22 33", "0032 (0)478 11 22 33"},
			events.ExternalID: {"C-1", " C-1"},
		}[c.key]
		for _, s := range spellings {
			if got, ok := id.Find(c.key, s, c.country); !ok || got != id.NxID(c.key, c.canonical) {
				t.Errorf("%s %q: %s, %v", c.key, s, got, ok)
			}
		}
	}
	quoted, _ := id.Find(events.Email, `"Jane Doe"@example.com`, "")
	if again, ok := id.Find(events.Email, `"jane\ doe"@example.com`, ""); !ok || again != quoted {
		t.Error("one address, quoted in two ways, is two contacts")
	}
	for key, value := range map[string]string{events.Email: "jane", events.Phone: "0478", events.ExternalID: "", "age": "42"} {
		if got, ok := id.Find(key, value, ""); ok {
			t.Errorf("%s %q found as %s", key, value, got)
		}
	}
	if a, _ := id.Find(events.ExternalID, "c-1", ""); a == id.NxID(events.ExternalID, "C-1") {
		t.Error("external ids are compared without regard to case")
	}
}

func TestIdentityIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	id := aggregate.NewIdentity([]byte("secret"))
	want := id.NxID(events.Email, "jane@example.com")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				if got := id.NxID(events.Email, "jane@example.com"); got != want {
					t.Errorf("%s, want %s", got, want)
				}
				id.NxID(events.Email, "a much longer address than the other one@example.com")
			}
		})
	}
	all.Wait()
}
