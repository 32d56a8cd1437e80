using System.Globalization;
using System.Security.Cryptography;
using System.Text;

var app = WebApplication.CreateBuilder(args).Build();
app.MapPost("/{**path}", async (HttpRequest request) =>
{
    using var body = new MemoryStream();
    await request.Body.CopyToAsync(body); // the server's limit is 30 MB
    var secret = Environment.GetEnvironmentVariable("LABHOOK_SECRET") ?? "";
    if (!Verify(secret, request.Headers, body.ToArray())) return Results.Unauthorized();
    // A webhook-id that was seen before is a repetition. Answer first and work later.
    return Results.NoContent();
});
app.Run("http://127.0.0.1:" + Environment.GetEnvironmentVariable("PORT"));

// Says whether a delivery is Labhook's and recent. The body is that of the wire, to the byte.
static bool Verify(string secret, IHeaderDictionary headers, byte[] body)
{
    var key = Convert.FromBase64String(secret.StartsWith("whsec_") ? secret[6..] : secret);
    if (key.Length < 24) throw new ArgumentException("the secret is no whsec_ one");
    string id = headers["webhook-id"].ToString(), timestamp = headers["webhook-timestamp"].ToString();
    if (!long.TryParse(timestamp, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)) return false;
    var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
    if (seconds < now - 300 || seconds > now + 300) return false;
    byte[] signed = [.. Encoding.UTF8.GetBytes($"{id}.{timestamp}."), .. body];
    var want = Encoding.ASCII.GetBytes("v1," + Convert.ToBase64String(HMACSHA256.HashData(key, signed)));
    var matches = false;
    foreach (var item in headers["webhook-signature"].ToString().Split(' ')) // several while the secret is rotated
    {
        matches |= CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(item), want);
    }
    return matches;
}
