package proof_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"importledger/adapters/proof"
	"importledger/adapters/proof/prooftest"
)

// Whatever the file holds, it is read to the end, and only the one that was signed is
// what the key proves.
func FuzzAnyFileIsReadAndOnlyTheSignedOneProves(f *testing.F) {
	signed := exported(f, recorded(f, facts(8)), key)
	f.Add(signed)
	for seed := range uint64(40) {
		f.Add(prooftest.Any(rand.New(rand.NewPCG(seed, 2)), signed).File)
	}
	f.Add([]byte("{\"format\":\"importledger audit export\",\"version\":1}\n"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, file []byte) {
		report, err := proof.Verify(bytes.NewReader(file), proof.Options{Keys: []proof.PublicKey{key.Public()}})
		if err != nil {
			t.Fatal(err)
		}
		if report.Verified != bytes.Equal(file, signed) {
			t.Fatalf("verified is %t: %+v", report.Verified, report)
		}
		if !report.Verified && (report.Fault.Code == "" || report.Fault.Message == "") {
			t.Fatalf("%+v", report.Fault)
		}
	})
}
