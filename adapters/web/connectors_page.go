package web

import (
	"net/http"
)

// connectorsView is the list of connectors.
type connectorsView struct {
	Connectors []Connector
	Doors      []Door
}

// Shut are the doors that are not open here.
func (c connectorsView) Shut() []Door { return shut(c.Doors) }

func shut(doors []Door) []Door {
	var all []Door
	for _, d := range doors {
		if !d.Open() {
			all = append(all, d)
		}
	}
	return all
}

// Closed tells that no door is open at all.
func (c connectorsView) Closed() bool { return len(c.Shut()) == len(c.Doors) }

func (v *visit) connectorsPage() error {
	all, err := v.Connectors.List(v.ctx())
	if err != nil {
		return err
	}
	return v.render(http.StatusOK, "connectors", view{Title: "Connectors", Section: "connectors", Body: connectorsView{all, v.Connectors.Doors()}})
}

// certificate sends what clients need to trust a certificate that nobody vouches for.
func (v *visit) certificate() error {
	for _, d := range v.Connectors.Doors() {
		if len(d.Certificate) == 0 {
			continue
		}
		fileHeaders(v.w.Header(), certificateFile)
		v.w.Header().Set("Content-Type", "application/x-pem-file")
		_, err := v.w.Write(d.Certificate)
		return err
	}
	return errNoPage
}
