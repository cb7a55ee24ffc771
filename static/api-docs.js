"use strict";

// Swagger UI from our own host, with the schema that the signed-in person may read.
const home = document.getElementById("swagger-ui");
window.SwaggerUIBundle({
  url: home.dataset.schema,
  domNode: home,
  deepLinking: true,
  displayRequestDuration: true,
  validatorUrl: null,
});
