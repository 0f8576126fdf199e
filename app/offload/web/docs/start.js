// Shows the OpenAPI document with all request forms open, so that one click runs a task.
window.ui = SwaggerUIBundle({
  url: new URL("../openapi.json", document.currentScript.src).pathname,
  dom_id: "#swagger-ui",
  deepLinking: true,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
});
