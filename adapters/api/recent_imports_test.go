package api_test

import (
	"reflect"
	"testing"
)

func TestAListShowsAnImportAsItIsNow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.upload(part{"file", "contacts.csv", threeRows}).is(201)
	for _, change := range []func(){
		func() {},
		func() { w.do("PUT", "/people/imports/"+importID+"/mapping", `{"mapping":`+mapping+`}`).is(200) },
		func() { w.rows(accepted(1, "ann@x.org", "")) },
		func() { w.do("POST", "/people/imports/"+importID+"/cancel", "").is(200) },
	} {
		change()
		for range 2 { // the second time it is remembered
			got := w.get("/people/imports").is(200).list()
			if one := w.get("/people/imports/" + importID).is(200).json(); len(got) != 1 || !reflect.DeepEqual(got[0], one) {
				t.Errorf("the list says %v, the import is %v", got, one)
			}
		}
	}
}
