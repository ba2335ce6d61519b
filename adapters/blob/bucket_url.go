package blob

import (
	"errors"
	"net/url"
	"regexp"
	"strings"
)

// BucketURL says where a bucket is.
type BucketURL struct {
	Bucket   string
	Endpoint string // host, with a port where it is not the scheme's
	Secure   bool   // https
	Region   string // empty: the store is asked
	Prefix   string // of all keys; empty, or with a slash at its end
}

const (
	amazon       = "s3.amazonaws.com"
	bucketURLHow = "s3://BUCKET?endpoint=https://HOST:PORT&region=REGION&prefix=FOLDER, all but the bucket optional"
)

var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// ParseBucketURL reads s3://BUCKET?endpoint=…&region=…&prefix=…. Without an endpoint
// it is Amazon's. Its errors say what the URL must be and quote nothing of it: people
// put secrets into URLs.
func ParseBucketURL(text string) (BucketURL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "s3" || u.Path != "" && u.Path != "/" || u.Fragment != "" {
		return BucketURL{}, errors.New("must be " + bucketURLHow)
	}
	if u.User != nil {
		return BucketURL{}, errors.New("must not hold credentials: they belong into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	}
	if !bucketName.MatchString(u.Host) {
		return BucketURL{}, errors.New("must name a bucket: 3 to 63 of a-z 0-9 . -, as in " + bucketURLHow)
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return BucketURL{}, errors.New("must be " + bucketURLHow)
	}
	for name, values := range query {
		if len(values) > 1 || name != "endpoint" && name != "region" && name != "prefix" {
			return BucketURL{}, errors.New("knows endpoint, region and prefix, each once: " + bucketURLHow)
		}
	}
	b := BucketURL{Bucket: u.Host, Endpoint: amazon, Secure: true, Region: query.Get("region")}
	if endpoint := query.Get("endpoint"); endpoint != "" {
		at, err := url.Parse(endpoint)
		if err != nil || at.Scheme != "http" && at.Scheme != "https" || at.Host == "" || at.User != nil || at.Path != "" && at.Path != "/" || at.RawQuery != "" {
			return BucketURL{}, errors.New("needs an endpoint such as https://HOST:PORT")
		}
		b.Endpoint, b.Secure = at.Host, at.Scheme == "https"
		if b.Region == "" {
			b.Region = "us-east-1" // what stores that have no regions go by
		}
	}
	if prefix := strings.Trim(query.Get("prefix"), "/"); prefix != "" {
		b.Prefix = prefix + "/"
	}
	return b, nil
}

// OnAmazon tells that no other endpoint was named.
func (b BucketURL) OnAmazon() bool { return b.Endpoint == amazon }
