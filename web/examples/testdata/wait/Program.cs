using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

const string Event = """
    {"id": "lab-998592321-displayable", "type": "lab.first_displayable", "consumer": "contoso", "data": {"Id": 998592321}}
    """;

// A little longer than Labhook is asked to wait.
using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(90) };
client.DefaultRequestHeaders.Authorization =
    new AuthenticationHeaderValue("Bearer", Environment.GetEnvironmentVariable("LABHOOK_KEY"));
var url = Environment.GetEnvironmentVariable("LABHOOK_URL") + "/api/v1/events?wait=60";

// 200 when the event's blocking webhooks have ended. While they go on, the answer is 202, and posting the same event
// again waits on.
while (true)
{
    using var body = new StringContent(Event, Encoding.UTF8, "application/json");
    using var answer = await client.PostAsync(url, body);
    answer.EnsureSuccessStatusCode();
    if (answer.StatusCode != HttpStatusCode.OK) continue;
    using var verdict = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
    Console.WriteLine(verdict.RootElement.GetProperty("action").GetString()); // continue, notify_user or end_lab
    foreach (var text in verdict.RootElement.GetProperty("notifications").EnumerateArray())
    {
        Console.WriteLine(text.GetString()); // for the lab's user
    }
    return;
}
